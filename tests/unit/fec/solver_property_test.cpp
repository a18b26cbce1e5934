// Random losses, windows and orders of arrival: what the solver revives is what was sent, and it
// revives all that its equations determine, by the word of a plain dense elimination.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "proto/fec/coefficients.h"
#include "sim/seed.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

using Row = std::map<std::uint32_t, std::uint8_t>;  // part -> coefficient, never 0

void subtract(Row& row, const Row& other, std::uint8_t factor) {
  for (const auto& [part, coefficient] : other) {
    std::uint8_t& mine = row[part];
    mine ^= slow_multiply(coefficient, factor);
    if (mine == 0) row.erase(part);
  }
}

/// All parts that the rows determine: full Gauss-Jordan elimination, from scratch.
std::set<std::uint32_t> determined(std::vector<Row> rows) {
  std::vector<Row> reduced;
  for (Row& row : rows) {
    for (const Row& done : reduced) {
      const auto found = row.find(done.begin()->first);
      if (found != row.end()) subtract(row, done, found->second);
    }
    if (row.empty()) continue;
    Row scaled;
    for (const auto& [part, value] : row)
      scaled[part] = slow_multiply(value, inverse(row.begin()->second));
    for (Row& done : reduced) {
      const auto found = done.find(scaled.begin()->first);
      if (found != done.end()) subtract(done, scaled, found->second);
    }
    reduced.push_back(scaled);
  }
  std::set<std::uint32_t> parts;
  for (const Row& row : reduced) {
    if (row.size() == 1) parts.insert(row.begin()->first);
  }
  return parts;
}

class RandomLosses {
 public:
  explicit RandomLosses(std::uint64_t seed) : random_(seed), track_(first_of(random_)) {
    const std::size_t bytes_max = random_.chance(0.5) ? 200 : 12'000;
    const std::uint32_t parts = 20 + static_cast<std::uint32_t>(random_.below(280));
    while (track_.parts() < parts) {
      track_.add_frame(random_, 6 + random_.below(bytes_max), random_.chance(0.1));
    }
    const double loss = random_.unit() * 0.4;
    for (std::uint32_t i = 0; i < track_.parts(); ++i) {
      if (random_.chance(loss)) {
        missing_.insert(i);
      } else {
        arrive(i);
      }
    }
  }

  void go() {
    for (int step = 0; step < 150; ++step) {
      if (!missing_.empty() && random_.chance(0.1)) {
        arrive_late();
      } else {
        repair();
      }
      if (random_.chance(0.7)) take();
      if (testing::Test::HasFailure()) return;
    }
    take();
  }

 private:
  static Seq first_of(sim::Xoshiro& random) {
    return random.chance(0.3) ? Seq{Seq::kModulus - 50}
                              : Seq{static_cast<std::uint32_t>(random.next())};
  }

  void arrive(std::uint32_t i) {
    track_.arrive(track_.first() + i);
    solver_.on_part(track_.first() + i);
  }

  void arrive_late() {
    auto at = missing_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(missing_.size())));
    const std::uint32_t part = *at;
    missing_.erase(at);
    for (Row& row : rows_) row.erase(part);
    arrive(part);
  }

  void repair() {
    const std::size_t span = 1 + random_.below(std::min<std::size_t>(track_.parts(), 256));
    const auto from = static_cast<std::uint32_t>(random_.below(track_.parts() - span + 1));
    const auto seed = static_cast<std::uint16_t>(random_.below(40));
    std::vector<std::byte> bitmap;
    if (span <= 80 && random_.chance(0.3)) {
      bitmap = random_bytes(random_, (span + 7) / 8);
      bitmap.back() &= std::byte{static_cast<std::uint8_t>(0xFFU >> (7U - (span - 1) % 8U))};
      bitmap.front() |= std::byte{1};
    }
    const SentRepair sent = track_.repair(track_.first() + from, span, seed, bitmap);
    Row row;
    for (std::uint32_t i = 0; i < span; ++i) {
      if (sent.view().window.names(i) && missing_.count(from + i) != 0)
        row[from + i] = coefficient(seed, sent.first + i);
    }
    const bool of_use = solver_.on_repair(sent.view()).has_value();
    EXPECT_TRUE(of_use || solver_.open_equations() <= rows_.size());
    rows_.push_back(row);
  }

  void take() {
    const std::set<std::uint32_t> expected = determined(rows_);
    std::set<std::uint32_t> revived;
    while (const auto part = solver_.poll_revived()) {
      const std::vector<std::byte> bytes(part->part.begin(), part->part.end());
      ASSERT_EQ(bytes, track_.as_received(part->seq));
      track_.received.insert(part->seq, bytes, track_.first());
      revived.insert(static_cast<std::uint32_t>(part->seq.distance_from(track_.first())));
    }
    ASSERT_EQ(revived, expected);
    for (const std::uint32_t part : revived) {
      missing_.erase(part);
      for (Row& row : rows_) row.erase(part);
    }
    ASSERT_LE(solver_.open_equations(), missing_.size());
    ASSERT_EQ(solver_.counts().implausible, 0U);
    ASSERT_EQ(solver_.counts().forgotten, 0U);
  }

  sim::Xoshiro random_;
  CodedTrack track_;
  RepairSolver solver_{CodedTrack::kReceivedTrack, track_.received};
  std::set<std::uint32_t> missing_;
  std::vector<Row> rows_;
};

TEST(SolverProperty, RevivesExactlyWhatTheEquationsDetermine) {
  for (const std::uint64_t seed : sim::seeds(15)) {
    SLUICE_SIM_SEED(seed);
    RandomLosses{seed}.go();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::fec
