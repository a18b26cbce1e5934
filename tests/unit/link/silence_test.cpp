#include "proto/link/silence.h"

#include <gtest/gtest.h>

namespace sluice::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

/// A packet of media every `gap` until `end`; when the last one came.
Instant hear(Silence& silence, std::int64_t gap_ms, std::int64_t end_ms) {
  std::int64_t last = 0;
  for (std::int64_t ms = 0; ms <= end_ms; ms += gap_ms) silence.on_heard(at_ms(last = ms), true);
  return at_ms(last);
}

TEST(Silence, AsksOneAndAHalfGapsAfterTheMediaStopped) {  // P-KEEP-02

  struct Case {
    std::int64_t gap_ms, ask_after_ms;
  };

  for (const Case& c :
       {Case{1, 40}, Case{20, 40}, Case{26, 40}, Case{28, 42}, Case{40, 60}, Case{240, 360}}) {
    Silence silence;
    const Instant last = hear(silence, c.gap_ms, 5'000);
    EXPECT_EQ(silence.ask_at(), last + milliseconds{c.ask_after_ms}) << c.gap_ms;
  }
}

TEST(Silence, AsksOnceUntilMediaComesAgain) {
  Silence silence;
  const Instant last = hear(silence, 20, 2'000);
  silence.note_asked();
  EXPECT_EQ(silence.ask_at(), kNever);
  silence.on_heard(last + milliseconds{100}, false);
  EXPECT_EQ(silence.ask_at(), kNever) << "an answer is no media";
  silence.on_heard(last + milliseconds{120}, true);
  EXPECT_NE(silence.ask_at(), kNever);
}

TEST(Silence, KnowsNoRhythmOfAFewPackets) {
  Silence silence;
  EXPECT_EQ(silence.ask_at(), kNever);
  hear(silence, 10, 20);  // three
  EXPECT_EQ(silence.ask_at(), kNever);
  silence.on_heard(at_ms(30), true);
  EXPECT_EQ(silence.ask_at(), at_ms(70));
}

TEST(Silence, TakesAPauseForNoGap) {
  Silence silence;
  const Instant last = hear(silence, 20, 1'000);
  silence.on_heard(last + kPause, true);
  EXPECT_EQ(silence.ask_at(), last + kPause + kAskAfterMin);
  Silence another;
  const Instant end = hear(another, 20, 1'000);
  another.on_heard(end + kPause - milliseconds{1}, true);
  EXPECT_GT(another.ask_at(), end + kPause + milliseconds{300});
  another.on_heard(end + seconds{10}, true);
  EXPECT_EQ(another.ask_at(), kNever) << "what was heard 10 s ago is no rhythm any more";
}

TEST(Silence, CountsFromTheOldestQuestion) {
  Silence silence;
  EXPECT_EQ(silence.unanswered_since(), kNever);
  silence.on_asked(at_ms(10));
  silence.on_asked(at_ms(20));
  EXPECT_EQ(silence.unanswered_since(), at_ms(10));
  silence.on_heard(at_ms(30), false);
  EXPECT_EQ(silence.unanswered_since(), kNever);
}

}  // namespace
}  // namespace sluice::link
