// The datagram gate, the DATA header, and all frames inside the seal. First byte: direction; the
// rest is taken as a datagram and, again, as a packet's plaintext.
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "proto/base/check.h"
#include "proto/wire/frame.h"
#include "proto/wire/packet.h"

namespace sluice::wire {
namespace {

void check_datagram(Bytes datagram, Direction direction) {
  const Result<PacketType> type = classify(datagram, direction);
  if (!type) return;
  if (*type == PacketType::kReset) {
    const auto written = write_reset(read_reset(datagram));
    CHECK(std::equal(written.begin(), written.end(), datagram.begin(), datagram.end()));
  }
  if (*type != PacketType::kData) return;
  std::array<std::byte, kDataHeaderToRelayBytes> header{};
  write_data_header(read_data_header(datagram, direction), direction, header);
  CHECK(std::equal(header.begin(), header.begin() + static_cast<int>(data_header_bytes(direction)),
                   datagram.begin()));
}

void check_feedback(Bytes body) {
  const Result<Feedback> feedback = decode_feedback(body);
  if (!feedback) return;
  std::array<std::byte, kFeedbackBytesMax> storage;
  Writer writer(storage);
  encode_feedback(*feedback, writer);
  CHECK(writer.ok() && writer.size() == feedback_bytes(*feedback));
  const Result<Feedback> again = decode_feedback(writer.written());
  CHECK(again && again->highest() == feedback->highest() && again->age == feedback->age);
  CHECK(again->range_count == feedback->range_count && again->time_count == feedback->time_count);
}

void check_media(const MediaView& part) {
  std::array<std::byte, kPartPlaintextBytesMax> scratch;
  const Bytes ring = ring_form(part, scratch);
  const Result<MediaView> again = read_ring_part(ring);
  CHECK(again && again->header == part.header && again->body.size() == part.body.size());
}

void check_plaintext(Bytes plaintext) {
  FrameReader reader(plaintext);
  while (const std::optional<Result<Frame>> frame = reader.next()) {
    if (!*frame) {
      CHECK(!reader.next());
      return;
    }
    if (const auto* media = std::get_if<MediaView>(&**frame)) check_media(*media);
    if (const auto* feedback = std::get_if<FeedbackView>(&**frame)) check_feedback(feedback->body);
  }
}

}  // namespace
}  // namespace sluice::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::wire;
  if (size == 0) return 0;
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  check_datagram(input.subspan(1),
                 (data[0] & 1U) == 0 ? Direction::kToRelay : Direction::kFromRelay);
  check_plaintext(input.subspan(1));
  return 0;
}
