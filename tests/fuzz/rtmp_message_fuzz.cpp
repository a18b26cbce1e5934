// The first bytes of RTMP bodies, as video, audio and data. A sequence header that is read must be
// one again when it is rebuilt from its record.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/rtmp/message.h"

namespace sluice::rtmp {
namespace {

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void check_body(RtmpType type, Bytes input) {
  const Result<BodyView, Refusal> body = read_body(type, input);
  if (!body) {
    CHECK(!body.error().message.empty());
    return;
  }
  CHECK(body->payload.size() <= input.size());
  if (body->kind != BodyKind::kSequenceHeader) return;
  const Result<Bytes, Refusal> record = configuration_record(body->codec, input);
  CHECK(record && same(*record, body->payload));
  const auto rebuilt = make_sequence_header(body->codec, *record);
  if (!rebuilt) return;  // mp3 has none
  const Result<Bytes, Refusal> again = configuration_record(body->codec, *rebuilt);
  CHECK(again && same(*again, *record));
}

}  // namespace
}  // namespace sluice::rtmp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  for (const auto type :
       {sluice::RtmpType::kVideo, sluice::RtmpType::kAudio, sluice::RtmpType::kData}) {
    sluice::rtmp::check_body(type, input);
  }
  static_cast<void>(sluice::rtmp::data_event_name(input));
  return 0;
}
