#include "relay/stream/frame_verdicts.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

/// Frames as a track would index them, in order, each of two parts.
class Frames {
 public:
  MediaFrameState next(std::uint8_t dep, bool keyframe = false, bool discardable = false) {
    MediaFrameState frame;
    frame.first = next_;
    frame.count = 2;
    frame.dep = dep;
    frame.keyframe = keyframe;
    frame.discardable = discardable;
    frame.ordinal = ordinal_++;
    next_ = next_ + 2;
    return frame;
  }

 private:
  Seq next_{0xFFFFF0};
  std::uint32_t ordinal_ = 0;
};

/// "f" forward, "q" queue full, "b" broken until key, "l" too late.
std::string letter(const FrameVerdicts::Verdict& verdict) {
  if (!verdict.dropped) return "f";
  if (*verdict.dropped == DropReason::kQueueFull) return "q";
  if (*verdict.dropped == DropReason::kBrokenUntilKey) return "b";
  return "l";
}

TEST(FrameVerdicts, WaitsForAKeyFrame) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  EXPECT_EQ(letter(verdicts.judge(frames.next(1), Queue::kFine)), "b");
  EXPECT_TRUE(verdicts.waits_for_key());
  EXPECT_EQ(letter(verdicts.judge(frames.next(0, true), Queue::kFine)), "f");
  EXPECT_EQ(letter(verdicts.judge(frames.next(1), Queue::kFine)), "f");
}

TEST(FrameVerdicts, AreSticky) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  const MediaFrameState key = frames.next(0, true);
  EXPECT_TRUE(verdicts.judge(key, Queue::kFine).made_now);
  EXPECT_FALSE(verdicts.judge(key, Queue::kFull).made_now);
  EXPECT_EQ(letter(verdicts.judge(key, Queue::kFull)), "f");
  const MediaFrameState dropped = frames.next(1);
  EXPECT_EQ(letter(verdicts.judge(dropped, Queue::kFull)), "q");
  EXPECT_EQ(letter(verdicts.judge(dropped, Queue::kFine)), "q");
}

// P-MEDIA-05
TEST(FrameVerdicts, WhereItIsTightOnlyWhatNothingNeedsGoes) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  std::string seen = letter(verdicts.judge(frames.next(0, true), Queue::kTight));
  for (int i = 0; i < 3; ++i) {
    seen += letter(verdicts.judge(frames.next(2, false, true), Queue::kTight));
    seen += letter(verdicts.judge(frames.next(4), Queue::kTight));
  }
  seen += letter(verdicts.judge(frames.next(255), Queue::kFine));
  EXPECT_EQ(seen, "fqfqfqff");
  EXPECT_FALSE(verdicts.waits_for_key());
}

// P-MEDIA-05
TEST(FrameVerdicts, DropWhatDependsOnADroppedFrameUntilAKeyFrame) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  std::string seen = letter(verdicts.judge(frames.next(0, true), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(1), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(1), Queue::kFull));
  seen += letter(verdicts.judge(frames.next(1), Queue::kFine));  // needs the dropped one
  seen += letter(verdicts.judge(frames.next(255), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(0, true), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(1), Queue::kFine));
  EXPECT_EQ(seen, "ffqbbff");
}

TEST(FrameVerdicts, ADroppedDiscardableFrameBreaksNothing) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  std::string seen = letter(verdicts.judge(frames.next(0, true), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(1, false, true), Queue::kFull));
  // Depends on the key frame: two numbers further back than the dropped one.
  seen += letter(verdicts.judge(frames.next(3), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(255), Queue::kFine));
  EXPECT_EQ(seen, "fqff");
}

TEST(FrameVerdicts, AFrameSeenLateOfAnUnbrokenGopGoesOn) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  verdicts.judge(frames.next(0, true), Queue::kFine);
  MediaFrameState lost = frames.next(1);
  MediaFrameState key = frames.next(0, true);
  key.ordinal = 1;
  lost.ordinal = 2;
  EXPECT_EQ(letter(verdicts.judge(key, Queue::kFine)), "f");
  EXPECT_EQ(letter(verdicts.judge(lost, Queue::kFine)), "f");
}

TEST(FrameVerdicts, NothingBeforeTheStartIsForwarded) {
  FrameVerdicts verdicts{TrackKind::kVideo};
  Frames frames;
  MediaFrameState before = frames.next(1);
  MediaFrameState key = frames.next(0, true);
  verdicts.start_with(key);
  EXPECT_EQ(letter(verdicts.judge(key, Queue::kFine)), "f");
  before.ordinal = 2;  // its first part seen after the key frame's
  EXPECT_EQ(letter(verdicts.judge(before, Queue::kFine)), "l");
}

TEST(FrameVerdicts, AudioHasNoDependents) {
  FrameVerdicts verdicts{TrackKind::kAudio};
  Frames frames;
  std::string seen = letter(verdicts.judge(frames.next(127), Queue::kFine));
  seen += letter(verdicts.judge(frames.next(127), Queue::kFull));
  seen += letter(verdicts.judge(frames.next(127), Queue::kFine));
  EXPECT_EQ(seen, "fqf");
  EXPECT_FALSE(verdicts.waits_for_key());
}

TEST(FrameVerdicts, APartOfAFrameLongForgottenIsTooLate) {
  FrameVerdicts verdicts{TrackKind::kAudio};
  Frames frames;
  const MediaFrameState old = frames.next(127);
  verdicts.judge(old, Queue::kFine);
  for (std::size_t i = 0; i < kVerdictsPerTrack; ++i) {
    verdicts.judge(frames.next(127), Queue::kFine);
  }
  EXPECT_EQ(letter(verdicts.judge(old, Queue::kFine)), "l");
}

}  // namespace
}  // namespace sluice::relay
