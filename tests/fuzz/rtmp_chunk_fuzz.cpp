// RTMP chunk streams: read at once and in pieces of 7 bytes, which must give the same messages and
// the same end; what was read, written again, is read as it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/check.h"
#include "proto/rtmp/chunk.h"

namespace sluice::rtmp {
namespace {

struct Outcome {
  std::vector<std::byte> written;  // every message, in chunks of the default size
  std::optional<ChunkFault> fault;
};

Outcome read_in_pieces(Bytes input, std::size_t step) {
  Outcome outcome;
  // Small limits, so that inputs of a few kilobytes reach them.
  ChunkReader reader{
      {.message_bytes_max = 4096, .under_way_bytes_max = 8192, .chunk_streams_max = 8}};
  while (!input.empty()) {
    Bytes piece = input.first(std::min(step, input.size()));
    input = input.subspan(piece.size());
    while (true) {
      const auto read = reader.read(piece);
      if (!read) {
        outcome.fault = read.error();
        return outcome;
      }
      if (!*read) break;
      CHECK((*read)->body.size() <= 4096);
      append_message(**read, kChunkBytesDefault, outcome.written);
    }
  }
  return outcome;
}

}  // namespace
}  // namespace sluice::rtmp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  const auto at_once = sluice::rtmp::read_in_pieces(input, size + 1);
  const auto in_pieces = sluice::rtmp::read_in_pieces(input, 7);
  CHECK(at_once.written == in_pieces.written && at_once.fault == in_pieces.fault);
  const auto again = sluice::rtmp::read_in_pieces(at_once.written, at_once.written.size() + 1);
  CHECK(again.written == at_once.written && !again.fault);
  return 0;
}
