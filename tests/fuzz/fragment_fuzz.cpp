// Media frames and parts. The input is read twice: as a media frame to be split and put together
// again, which must give the same frame; and as parts of a peer's (u16 length before each), put
// together as they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/check.h"
#include "proto/wire/fragment.h"
#include "proto/wire/frame.h"

namespace sluice::wire {
namespace {

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void check_round_trip(Bytes input) {
  Reader reader(input);
  MediaFrame frame;
  constexpr RtmpType kTypes[] = {RtmpType::kAudio, RtmpType::kVideo, RtmpType::kData};
  frame.type = kTypes[reader.u8() % 3];
  const std::uint8_t flags = reader.u8();
  frame.keyframe = (flags & 1U) != 0;
  frame.discardable = (flags & 2U) != 0;
  frame.layer = flags >> 2U & 7U;  // 4 to 7 are refused
  if ((flags & 32U) != 0) frame.stamp_us = reader.u64();
  frame.timestamp_ms = reader.u32();
  const Seq first{reader.u24()};
  frame.config = reader.bytes(std::min<std::size_t>(reader.u8(), reader.remaining()));
  const std::size_t repeat = reader.u8();
  const Bytes seed = reader.rest();
  std::vector<std::byte> body;
  for (std::size_t i = 0; i <= repeat; ++i) body.insert(body.end(), seed.begin(), seed.end());
  frame.body = body;

  std::vector<std::byte> buffer(body.size() + frame.config.size() + kUnitHeaderBytesMax);
  Reassembler reassembler(buffer);
  Fragmenter fragmenter(TrackId{1}, first);
  const auto sent = fragmenter.write(frame, [&](const MediaHeader&, Bytes part) {
    const Result<MediaView> view = read_ring_part(part);
    CHECK(view && reassembler.add(*view));
  });
  if (!sent) return;
  const Result<MediaFrameView> whole = reassembler.finish();
  CHECK(whole && same(whole->body, frame.body) && same(whole->config, frame.config));
  CHECK(whole->timestamp_ms == frame.timestamp_ms && whole->stamp_us == frame.stamp_us);
  CHECK(whole->header.seq == first && fragmenter.next_seq() == sent->last() + 1);
}

void check_foreign_parts(Bytes input) {
  std::vector<std::byte> buffer(64U << 10U);
  Reassembler reassembler(buffer);
  Reader reader(input);
  while (reader.remaining() > 2) {
    const Bytes part = reader.bytes(std::min<std::size_t>(reader.u16(), reader.remaining()));
    const Result<MediaView> view = read_ring_part(part);
    if (!view || !reassembler.add(*view)) return;
    if (reassembler.whole()) break;
  }
  const Result<MediaFrameView> whole = reassembler.finish();
  if (whole) CHECK(whole->body.size() + whole->config.size() + kUnitBytesMin <= buffer.size());
}

}  // namespace
}  // namespace sluice::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  sluice::wire::check_round_trip(input);
  sluice::wire::check_foreign_parts(input);
  return 0;
}
