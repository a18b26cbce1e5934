#include "relay/stream/branch_feed.h"

#include <gtest/gtest.h>

#include "relay/stream/stream.h"
#include "tests/unit/stream/parts.h"

namespace sluice::relay {
namespace {

constexpr WorkerIndex kThere{1};

class BranchFeedTest : public testing::Test {
 protected:
  void push(std::int64_t ms, std::size_t bytes, bool keyframe) {
    for (const Part& part : source_.frame(static_cast<std::uint32_t>(ms), bytes, keyframe)) {
      ASSERT_TRUE(stream_.ingest(at_ms(ms), at_ms(ms), 0, part).has_value());
    }
    stream_.forward_pending(at_ms(ms));
  }

  /// Takes what was handed over: parts, and skips as negative counts of parts.
  std::vector<int> take() {
    std::vector<int> taken;
    for (const HandoverPart* part = ring_.front(); part != nullptr; part = ring_.front()) {
      taken.push_back(part->bytes == 0 ? -(part->last.distance_from(part->first) + 1) : 1);
      ring_.pop();
    }
    return taken;
  }

  WorkerMetrics metrics_;
  HandoverRing ring_;
  PartSource source_{RtmpType::kVideo};
  Stream stream_{StreamIdentity{RoomId{1}, wire::StreamHandle{2}, {}, {}, {}, WorkerIndex{0}},
                 {video_description()},
                 metrics_};
};

TEST_F(BranchFeedTest, StartsWithTheCachedGopAndGoesOn) {
  push(0, 5000, true);
  push(33, 100, false);
  stream_.add_feed(at_ms(40), kThere, ring_);
  EXPECT_EQ(take().size(), 6U);
  push(66, 100, false);
  EXPECT_EQ(take(), std::vector<int>{1});
}

TEST_F(BranchFeedTest, WaitsForAKeyFrameAndAsksForOne) {
  push(0, 100, false);
  stream_.add_feed(at_ms(10), kThere, ring_);
  EXPECT_EQ(stream_.take_wanted_keys(), 1U);
  push(33, 100, false);
  EXPECT_EQ(take(), std::vector<int>{-1});
  push(66, 100, true);
  EXPECT_EQ(take(), std::vector<int>{1});
}

TEST_F(BranchFeedTest, DropsWholeFramesWithTheirDependentsWhenTheRingIsFull) {
  stream_.add_feed(at_ms(0), kThere, ring_);
  push(0, 5000, true);
  std::int64_t ms = 33;
  while (metrics_.drops[static_cast<std::size_t>(DropReason::kHandoverFull)].value() == 0) {
    push(ms, 100'000, false);
    ms += 33;
  }
  take();
  push(ms, 100, false);  // room again, but it needs what was dropped
  EXPECT_EQ(take(), std::vector<int>{-1});
  EXPECT_EQ(stream_.take_wanted_keys(), 1U);
  push(ms + 33, 100, true);
  push(ms + 66, 100, false);
  EXPECT_EQ(take(), (std::vector<int>{1, 1}));
}

TEST_F(BranchFeedTest, PassesOnThatPartsWillNotCome) {
  stream_.add_feed(at_ms(0), kThere, ring_);
  stream_.skip(0, Seq{10}, Seq{12});
  EXPECT_EQ(take(), std::vector<int>{-3});
  stream_.remove_feed(kThere);
  push(0, 100, true);
  EXPECT_TRUE(take().empty());
}

// P-TIME-02
TEST_F(BranchFeedTest, PatienceIsTheLargestOfWhatBranchesToldAndAtLeast60Ms) {
  EXPECT_EQ(stream_.update_patience(), std::chrono::milliseconds{150});
  HandoverRing other;
  stream_.add_feed(at_ms(0), kThere, ring_);
  stream_.add_feed(at_ms(0), WorkerIndex{2}, other);
  stream_.feeds()[0].patience = std::chrono::milliseconds{20};
  stream_.feeds()[1].patience = std::chrono::milliseconds{40};
  EXPECT_EQ(stream_.update_patience(), std::chrono::milliseconds{60});
  stream_.feeds()[1].patience = std::chrono::milliseconds{900};
  EXPECT_EQ(stream_.update_patience(), std::chrono::milliseconds{900});
}

}  // namespace
}  // namespace sluice::relay
