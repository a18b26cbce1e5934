#include "proto/fec/coefficients.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

// P-REPAIR-02: the table of docs/PROTOCOL.md.
TEST(Coefficient, HasTheValuesOfTheDocument) {
  struct Example {
    std::uint16_t seed;
    std::uint32_t seq;
    int value;
  };

  for (const Example& e : {
           Example{0, 0, 1},
           Example{0, 1, 158},
           Example{0, 2, 222},
           Example{0, 0xFFFFFF, 92},
           Example{1, 0, 116},
           Example{1, 1, 214},
           Example{0x1234, 0x56789A, 18},
           Example{0xFFFF, 0, 72},
           Example{0xFFFF, 0xFFFFFF, 189},
       }) {
    EXPECT_EQ(coefficient(e.seed, Seq{e.seq}), e.value) << e.seed << ", " << e.seq;
  }
}

TEST(Coefficient, IsNeverZeroAndTakesAllOtherValuesEquallyOften) {
  std::array<int, 256> times{};
  constexpr int kSeeds = 255, kParts = 1000;
  for (int seed = 0; seed < kSeeds; ++seed) {
    for (int i = 0; i < kParts; ++i)
      ++times[coefficient(static_cast<std::uint16_t>(seed),
                          Seq{0xFFFF00} + static_cast<unsigned>(i))];
  }
  EXPECT_EQ(times[0], 0);
  for (std::size_t value = 1; value < 256; ++value)
    EXPECT_NEAR(times[value], kParts, 200) << value;  // 6 standard deviations
}

/// Rows that are left when those that depend on others have gone.
std::size_t rank(std::vector<std::vector<std::uint8_t>> rows) {
  std::size_t rank = 0;
  for (std::size_t column = 0; column < rows.front().size() && rank < rows.size(); ++column) {
    std::size_t pivot = rank;
    while (pivot < rows.size() && rows[pivot][column] == 0) ++pivot;
    if (pivot == rows.size()) continue;
    std::swap(rows[pivot], rows[rank]);
    for (std::size_t row = rank + 1; row < rows.size(); ++row) {
      const std::uint8_t factor = multiply(rows[row][column], inverse(rows[rank][column]));
      for (std::size_t i = column; i < rows[row].size(); ++i)
        rows[row][i] ^= multiply(factor, rows[rank][i]);
    }
    ++rank;
  }
  return rank;
}

/// As a sender counts its seeds up, and any of its repairs get through.
TEST(Coefficient, SolvesAsManyUnknownsAsThereAreEquationsNearlyAlways) {
  sim::Xoshiro random{11};
  for (const std::size_t unknowns : {1U, 2U, 3U, 5U, 8U, 13U, 24U}) {
    constexpr int kTrials = 3000;
    int solved = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const Seq first{static_cast<std::uint32_t>(random.next())};
      auto seed = static_cast<std::uint16_t>(random.next());
      std::set<std::uint32_t> missing;
      while (missing.size() < unknowns)
        missing.insert(static_cast<std::uint32_t>(random.below(40)));
      std::vector<std::vector<std::uint8_t>> rows(unknowns);
      for (auto& row : rows) {
        for (const std::uint32_t part : missing) row.push_back(coefficient(seed, first + part));
        seed = static_cast<std::uint16_t>(seed + 1 + random.below(3));
      }
      if (rank(rows) == unknowns) ++solved;
    }
    EXPECT_GE(solved, kTrials * 993 / 1000) << unknowns << " unknowns";
  }
}

}  // namespace
}  // namespace sluice::fec
