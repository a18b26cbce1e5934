// The control socket's bytes: the frame reader over arbitrary input, then decode() of each frame
// and of the input as one message. What is accepted can be said again and is understood the same.
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/schema/control.h"

namespace {

void decode_one(sluice::Bytes message) {
  const auto decoded = sluice::schema::decode(message);
  if (!decoded) {
    CHECK(!decoded.error().text.empty());
    return;
  }
  const auto framed = sluice::schema::encode(*decoded);
  CHECK(framed.has_value());
  const auto again =
      sluice::schema::decode(sluice::Bytes{*framed}.subspan(sluice::schema::kLengthPrefixBytes));
  CHECK(again.has_value() && *again == *decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::Bytes input = std::as_bytes(std::span{data, size});
  decode_one(input);
  sluice::schema::FrameReader reader;
  while (true) {
    const sluice::schema::FrameStep step = reader.step(input);
    if (step.state != sluice::schema::FrameState::kFrame) return 0;
    decode_one(step.frame);
  }
}
