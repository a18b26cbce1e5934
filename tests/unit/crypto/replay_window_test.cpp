#include "proto/crypto/replay_window.h"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/crypto/seeded_random.h"

namespace sluice::crypto {
namespace {

constexpr std::uint64_t kWindow = kReplayWindowPackets;

/// As a link does it: marked only when the check let it through.
bool take(ReplayWindow& window, std::uint64_t number) {
  if (!window.check(PacketNumber{number})) return false;
  window.mark(PacketNumber{number});
  return true;
}

// P-DATA-03.
TEST(ReplayWindow, DecidesAtEveryEdge) {
  struct Step {
    std::uint64_t number;
    bool fresh;
  };

  const Step steps[] = {
      {0, true},
      {0, false},
      {1, true},
      {1, false},
      {63, true},
      {64, true},
      {65, true},
      {64, false},
      {2, true},
      {kWindow - 1, true},
      {3, true},
      {kWindow, true},  // 0 has left the window
      {0, false},
      {4, true},
      {kWindow + 5, true},
      {5, false},  // newest - 2048, never seen
      {6, true},   // the oldest that counts
      {6, false},
      {3 * kWindow, true},
      {2 * kWindow, false},
      {2 * kWindow + 1, true},
      {2 * kWindow + 1, false},
      {3 * kWindow, false},
      {1ULL << 40U, true},  // a leap beyond the whole ring
      {(1ULL << 40U) - kWindow, false},
      {(1ULL << 40U) - kWindow + 1, true},
      {(1ULL << 40U) - 1, true},
      {(1ULL << 40U) - 1, false},
      {UINT64_MAX - 1, true},
      {UINT64_MAX, true},
      {UINT64_MAX, false},
      {UINT64_MAX - kWindow, false},
      {UINT64_MAX - kWindow + 1, true},
  };
  ReplayWindow window;
  std::size_t index = 0;
  for (const Step& step : steps) {
    EXPECT_EQ(take(window, step.number), step.fresh) << "step " << index;
    ++index;
  }
}

TEST(ReplayWindow, MayBeginAnywhere) {
  for (const std::uint64_t first : {std::uint64_t{1}, kWindow - 1, kWindow, kWindow + 1}) {
    ReplayWindow window;
    EXPECT_TRUE(window.is_newest(PacketNumber{0}));
    EXPECT_TRUE(take(window, first));
    EXPECT_FALSE(take(window, first));
    EXPECT_EQ(take(window, 0), first < kWindow) << first;
  }
}

TEST(ReplayWindow, CheckAloneMarksNothing) {
  ReplayWindow window;
  EXPECT_TRUE(window.check(PacketNumber{9}));
  EXPECT_TRUE(window.check(PacketNumber{9}));
  EXPECT_EQ((window.mark(PacketNumber{9}), window.check(PacketNumber{9}).error()),
            DropReason::kReplayed);
}

TEST(ReplayWindow, KnowsTheNewest) {
  ReplayWindow window;
  window.mark(PacketNumber{10});
  EXPECT_FALSE(window.is_newest(PacketNumber{10}));
  EXPECT_FALSE(window.is_newest(PacketNumber{9}));
  EXPECT_TRUE(window.is_newest(PacketNumber{11}));
}

TEST(ReplayWindow, AgreesWithASetOfAllNumbersSeen) {
  SeededRandom random{5};
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t newest = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t reach = random.source().below(100) == 0 ? 3 * kWindow : 80;
    const std::uint64_t back = random.source().below(2 * reach);
    const std::uint64_t number = newest + reach / 8 >= back ? newest + reach / 8 - back : 0;
    const bool fresh = number + kWindow > newest && seen.count(number) == 0;
    ASSERT_EQ(take(window, number), fresh) << number << " newest " << newest;
    if (fresh) seen.insert(number);
    newest = std::max(newest, fresh ? number : 0);
  }
}

}  // namespace
}  // namespace sluice::crypto
