#include "proto/fec/coded_symbol.h"

#include <gtest/gtest.h>

#include "proto/wire/media_header.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

static_assert(kRingTypeOffset == wire::kMediaTypeOffset);
static_assert(kRingTrackOffset == wire::kMediaTrackOffset);
static_assert(kRingSeqOffset == wire::kMediaSeqOffset);
static_assert(kRingIndexOffset == wire::kMediaIndexOffset);

std::vector<std::byte> octets(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// P-REPAIR-01
TEST(RepairWindow, IsWellFormedWhenItsBitmapFitsItsSpan) {
  struct Case {
    int span;
    std::vector<std::byte> bitmap;
    bool expected;
  };

  for (const Case& c : {
           Case{0, {}, false},
           Case{1, {}, true},
           Case{256, {}, true},
           Case{257, {}, false},
           Case{1, octets({1}), true},
           Case{1, octets({2}), false},
           Case{7, octets({0x40}), true},
           Case{7, octets({0x80}), false},
           Case{8, octets({0x80}), true},
           Case{8, octets({0}), false},
           Case{8, octets({1, 0}), false},
           Case{9, octets({1}), false},
           Case{9, octets({0, 1}), true},
           Case{9, octets({0, 2}), false},
           Case{80, octets({0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}), true},
       }) {
    const RepairWindow window{Seq{5}, static_cast<std::uint16_t>(c.span), c.bitmap};
    EXPECT_EQ(is_well_formed(window), c.expected) << c.span << ", " << c.bitmap.size();
  }
}

TEST(RepairWindow, NamesThePartsWhoseBitsAreSetFromTheLowestUp) {
  const auto bitmap = octets({0x81, 0x02});
  const RepairWindow window{Seq{Seq::kModulus - 1}, 10, bitmap};
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(window.names(i), i == 0 || i == 7 || i == 9) << i;
  EXPECT_EQ(window.last(), Seq{8});
}

TEST(Symbol, IsPlausibleOnlyAsAPartCanBe) {
  const auto good = octets({0, 2, 0xC0, 0x00, 0x10, 0x03, 0, 0, 0, 9, 0xAA, 0xBB});
  EXPECT_TRUE(is_plausible_symbol(good));
  auto padded = good;
  padded.resize(kCodedBytesMax);
  EXPECT_TRUE(is_plausible_symbol(padded));

  struct Case {
    const char* name;
    std::size_t at;
    int value;
  };

  for (const Case& c : {
           Case{"no body", 1, 0},
           Case{"a body longer than the symbol", 1, 3},
           Case{"a body longer than any part", 0, 5},
           Case{"something in the padding", 1, 1},
           Case{"no MEDIA type", 2, 0x40},
           Case{"a length flag", 2, 0xC1},
           Case{"an index beyond the count", 4, 0x30},
           Case{"a count beyond any frame", 4, 0x17},
       }) {
    auto bad = good;
    bad[c.at] = static_cast<std::byte>(c.value);
    EXPECT_FALSE(is_plausible_symbol(bad)) << c.name;
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(is_plausible_symbol(Bytes{good}.first(size))) << size;
}

TEST(Symbol, BecomesTheRingFormOfItsPartAgain) {
  sim::Xoshiro random{3};
  CodedTrack track{Seq{Seq::kModulus - 2}};
  track.add_frame(random, 3 * kPartBytesMax - 100, true);
  for (Seq seq = track.first(); seq != track.next(); ++seq) {
    std::vector<std::byte> memory(kSymbolHeadroom + kCodedBytesMax);
    SymbolSum sum{std::span{memory}.subspan(kSymbolHeadroom)};
    sum.add(track.sent.find(seq), 1);
    sum.finish();
    ASSERT_TRUE(is_plausible_symbol(Bytes{memory}.subspan(kSymbolHeadroom)));
    const Bytes part =
        make_ring_form(memory, static_cast<std::uint8_t>(CodedTrack::kReceivedTrack), seq);
    EXPECT_EQ(std::vector<std::byte>(part.begin(), part.end()), track.as_received(seq));
  }
}

}  // namespace
}  // namespace sluice::fec
