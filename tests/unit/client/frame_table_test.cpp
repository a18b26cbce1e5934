#include "client/frame_table.h"

#include <gtest/gtest.h>

#include "tests/unit/client/pushed.h"

namespace sluice::client {
namespace {

constexpr TrackId kTrack{2};
constexpr Instant kNow{std::chrono::seconds{1}};

Result<const FrameTable::Entry*> add(FrameTable& table, const std::vector<std::byte>& part) {
  const Bytes bytes{part};
  const wire::MediaView media{wire::decode_media_header(bytes.first<kMediaHeaderBytes>()),
                              bytes.subspan(kMediaHeaderBytes)};
  return table.add(kNow, {media, bytes, media.header.dts});
}

// P-MEDIA-04, P-MEDIA-02: parts of one frame, numbered one by one.
TEST(FrameTable, TellsWhatIsMissingUntilAFrameIsWhole) {
  for (const std::uint32_t first : {0U, 32767U, Seq::kModulus - 2}) {
    PushedTrack track{kTrack, TrackKind::kVideo, Seq{first}};
    FrameTable table;
    const PushedFrame frame = track.frame(40, true, 4000);
    ASSERT_EQ(frame.parts.size(), 4U);
    ASSERT_TRUE(add(table, frame.parts[0]).has_value());
    ASSERT_TRUE(add(table, frame.parts[3]).has_value());
    table.begin_at_head();
    EXPECT_FALSE(table.head()->whole());
    EXPECT_EQ(table.oldest_open(), frame.first + 1);
    EXPECT_FALSE((*add(table, frame.parts[1]))->whole());
    EXPECT_EQ(table.oldest_open(), frame.first + 2);
    ASSERT_TRUE(add(table, frame.parts[2]).has_value());
    ASSERT_TRUE(table.head()->whole());
    EXPECT_EQ(table.oldest_open(), frame.first + 4);
    const auto read = table.read_head();
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->body.size(), 4000U);
    EXPECT_EQ(read->timestamp_ms, 40U);
    table.pop_head();
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(table.oldest_open(), frame.first + 4);
  }
}

TEST(FrameTable, RefusesPartsThatContradictTheirFrame) {
  PushedTrack track{kTrack, TrackKind::kVideo};
  FrameTable table;
  const PushedFrame frame = track.frame(40, true, 4000);
  ASSERT_TRUE(add(table, frame.parts[0]).has_value());
  auto forged = frame.parts[1];
  forged[wire::kMediaDtsOffset] ^= std::byte{1};
  EXPECT_EQ(add(table, forged).error(), DropReason::kMalformed);
  PushedTrack other{kTrack, TrackKind::kVideo, Seq{2}};
  EXPECT_EQ(add(table, other.frame(40, true, 4000).parts[0]).error(), DropReason::kMalformed);
  ASSERT_TRUE(add(table, frame.parts[1]).has_value());
}

TEST(FrameTable, AFrameThatLostPartsToASkipIsForgotten) {
  PushedTrack track{kTrack, TrackKind::kVideo};
  FrameTable table;
  const PushedFrame key = track.frame(0, true), cut = track.frame(40, false, 3000),
                    next = track.frame(80);
  ASSERT_TRUE(add(table, key.parts[0]).has_value());
  ASSERT_TRUE(add(table, cut.parts[0]).has_value());
  ASSERT_TRUE(add(table, next.parts[0]).has_value());
  table.begin_at_head();
  table.pop_head();
  table.skip(cut.first, cut.first + 2);
  EXPECT_EQ(table.head()->first(), next.first);
  EXPECT_TRUE(table.head_follows());
  EXPECT_EQ(table.oldest_open(), next.first + 1);
}

TEST(FrameTable, OpensNoMoreFramesThanItsLimit) {
  PushedTrack track{kTrack, TrackKind::kAudio};
  FrameTable table;
  for (std::size_t i = 0; i < FrameTable::kEntriesMax; ++i) {
    ASSERT_TRUE(add(table, track.frame(0, false, 10).parts[0]).has_value());
  }
  EXPECT_EQ(add(table, track.frame(0, false, 10).parts[0]).error(), DropReason::kQueueFull);
}

}  // namespace
}  // namespace sluice::client
