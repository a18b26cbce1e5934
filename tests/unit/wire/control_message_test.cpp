#include "proto/wire/control_message.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

using Octets = std::vector<std::byte>;

Octets message(std::uint8_t type, std::size_t body_bytes) {
  Octets out(kMessageHeaderBytes + body_bytes, std::byte{type});
  store_be<2>(&out[1], body_bytes);
  return out;
}

// P-CTRL-01
TEST(MessageReader, CutsAStreamIntoMessagesInWhateverPiecesItComes) {
  const std::vector<std::size_t> sizes{0, 1, 300, kControlMessageBytesMax, 2};
  Octets stream;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Octets m = message(static_cast<std::uint8_t>(i + 1), sizes[i]);
    stream.insert(stream.end(), m.begin(), m.end());
  }
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}, stream.size()}) {
    MessageReader reader;
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.feed(Bytes{stream}.subspan(at, std::min(step, stream.size() - at)));
      while (const auto next = reader.next()) {
        ASSERT_TRUE(*next);
        found.push_back((*next)->body.size());
        EXPECT_EQ((*next)->type, found.size());
      }
    }
    EXPECT_EQ(found, sizes) << "in pieces of " << step;
    EXPECT_EQ(reader.pending_bytes(), 0U);
  }
}

// P-CTRL-01
TEST(MessageReader, RefusesALongerMessageAtItsHeaderAndForGood) {
  Octets header = message(1, 0);
  store_be<2>(&header[1], kControlMessageBytesMax + 1);
  MessageReader reader;
  reader.feed(message(1, 5));
  reader.feed(Bytes{header}.first(2));
  ASSERT_TRUE(reader.next()->has_value());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.pending_bytes(), 2U);
  reader.feed(Bytes{header}.subspan(2));
  EXPECT_EQ(reader.next()->error(), DropReason::kControlTooLarge);
  reader.feed(message(1, 0));
  EXPECT_EQ(reader.next()->error(), DropReason::kControlTooLarge);
}

}  // namespace
}  // namespace sluice::wire
