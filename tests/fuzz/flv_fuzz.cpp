// FLV files: read at once and in pieces of 7 bytes, which must give the same; tags written again
// must be the bytes that were read, but for the stream id.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/base/check.h"
#include "proto/flv/tag.h"

namespace sluice::flv {
namespace {

struct Outcome {
  std::vector<std::byte> tags;
  std::string error;
};

Outcome read_in_pieces(Bytes input, std::size_t step) {
  Outcome outcome;
  TagReader reader;
  while (!input.empty()) {
    const Bytes piece = input.first(std::min(step, input.size()));
    input = input.subspan(piece.size());
    reader.feed(piece);
    while (const auto tag = reader.next()) {
      if (!*tag) break;
      append_tag((*tag)->type, (*tag)->timestamp_ms, (*tag)->body, outcome.tags);
    }
  }
  const Status<ReadError> end = reader.end();
  if (!end) {
    CHECK(!end.error().message.empty());
    outcome.error = end.error().message;
  }
  return outcome;
}

}  // namespace
}  // namespace sluice::flv

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  const auto at_once = sluice::flv::read_in_pieces(input, size + 1);
  const auto in_pieces = sluice::flv::read_in_pieces(input, 7);
  CHECK(at_once.tags == in_pieces.tags && at_once.error == in_pieces.error);
  return 0;
}
