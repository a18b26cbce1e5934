// proto/fec: what a repair costs to make, and what the missing parts of a window cost to bring
// back; and proto/link/repair_odds: what it costs to decide how many. All parts are full ones and
// lie in rings, as in a relay.
#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/base/packet_ring.h"
#include "proto/fec/encoder.h"
#include "proto/fec/gf256.h"
#include "proto/fec/gf256_kernels.h"
#include "proto/fec/repair_solver.h"
#include "proto/link/repair_odds.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kParts = 256;

/// A ring with the parts of one key frame, numbered from 0.
struct FullRing {
  FullRing() {
    for (const auto& part : full_parts(kParts)) add(part);
  }

  void add(Bytes part) {
    CHECK(ring.insert(Seq{count++}, part, Seq{0}) == PacketRing::Insert::kStored);
  }

  PacketRing ring;
  std::uint32_t count = 0;
};

// One repair over the last `parts` parts of a ring; each with another seed, as a link sends them.
void encode(benchmark::State& state) {
  const auto span = static_cast<std::uint16_t>(state.range(0));
  const FullRing full;
  std::array<std::byte, kCodedBytesMax> coded{};
  std::uint16_t seed = 0;
  for (auto _ : state) {
    const auto bytes = fec::encode_repair(full.ring, {Seq{kParts} - span, span, {}}, ++seed, coded);
    CHECK(bytes && bytes.value().size() == kCodedBytesMax);
    benchmark::ClobberMemory();
  }
  count_packets(state, 1, span * kPartBytesMax);
  state.SetLabel(std::string(fec::kernel_name()));
}

// A symbol times a factor, added to another, by each kernel; four at once and one by one.
void mul_add_one(benchmark::State& state, const fec::Kernel& kernel) {
  std::vector<std::byte> sum(kCodedBytesMax);
  const std::vector<std::byte> source = sample_bytes(kCodedBytesMax);
  for (auto _ : state) {
    kernel.one(sum, source, 0xB5);
    benchmark::ClobberMemory();
  }
  count_packets(state, 1, kCodedBytesMax);
}

void mul_add_four(benchmark::State& state, const fec::Kernel& kernel) {
  std::vector<std::byte> sum(kCodedBytesMax);
  const std::vector<std::byte> source = sample_bytes(4 * kCodedBytesMax);
  std::array<fec::Term, fec::kTermsPerWalk> terms;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    terms[i] = {Bytes{source}.subspan(i * kCodedBytesMax, kCodedBytesMax),
                static_cast<std::uint8_t>(0xB5 + i)};
  }
  for (auto _ : state) {
    kernel.four(sum, terms);
    benchmark::ClobberMemory();
  }
  count_packets(state, terms.size(), terms.size() * kCodedBytesMax);
}

/// Window after window of 40 parts, of which `missing` are to be revived from as many repairs. The
/// solver has grown and both rings have gone round.
class Windows {
 public:
  static constexpr std::uint16_t kSpan = 40;

  explicit Windows(std::size_t missing)
      : missing_(missing), parts_(full_parts(kSpan)), repairs_(missing + kSpare) {
    for (int i = 0; i < 20; ++i) {
      send();
      solve();
    }
  }

  /// The next window: all but the missing parts arrive, and the repairs are on their way.
  void send() {
    first_ = first_ + kSpan;
    for (std::uint32_t i = 0; i < kSpan; ++i) {
      renumber(parts_[i], first_ + i);
      insert(sent_, parts_[i], first_ + i);
      if (i % 4 == 0 && i / 4 < missing_) continue;
      insert(known_, parts_[i], first_ + i);
      solver_.on_part(first_ + i);
    }
    std::uint16_t seed = 0;
    for (auto& repair : repairs_) {
      repair.resize(kCodedBytesMax);
      const auto coded = fec::encode_repair(sent_, {first_, kSpan, {}}, seed++,
                                            std::span{repair}.first<kCodedBytesMax>());
      CHECK(coded && coded.value().size() == kCodedBytesMax);
    }
  }

  void solve() {
    std::uint16_t seed = 0;
    do {
      CHECK(seed < repairs_.size());
      static_cast<void>(solver_.on_repair({{first_, kSpan, {}}, seed, repairs_[seed]}));
      ++seed;
    } while (solver_.open_equations() != 0);
    std::size_t revived = 0;
    while (const auto part = solver_.poll_revived()) {
      insert(known_, part->part, part->seq);
      ++revived;
    }
    CHECK(revived == missing_);
  }

 private:
  /// One set of equations in 250 depends on itself and wants one more.
  static constexpr std::size_t kSpare = 4;

  void insert(PacketRing& ring, Bytes part, Seq seq) const {
    CHECK(ring.insert(seq, part, seq - kParts) == PacketRing::Insert::kStored);
  }

  std::size_t missing_;
  std::vector<std::vector<std::byte>> parts_;
  std::vector<std::vector<std::byte>> repairs_;
  Seq first_{};
  PacketRing sent_;
  PacketRing known_;
  fec::RepairSolver solver_{TrackId{1}, known_};
};

// From the first repair to the last part handed out and stored; per_item is one revived part.
void solve(benchmark::State& state) {
  const auto missing = static_cast<std::size_t>(state.range(0));
  Windows windows{missing};
  Stopwatch watch;
  for (auto _ : state) {
    windows.send();
    watch.start();
    windows.solve();
    watch.stop();
    watch.record(state);
  }
  count_packets(state, missing, missing * kPartBytesMax);
}

// The worst repair: as many equations wait as may, nothing of their 256 parts is known, and one
// more takes all of them in and changes all of them.
void solve_worst(benchmark::State& state) {
  const std::vector<std::byte> coded = sample_bytes(kCodedBytesMax);
  const PacketRing nothing_known;
  Stopwatch watch;
  std::uint16_t seed = 0;
  for (auto _ : state) {
    fec::RepairSolver solver{TrackId{1}, nothing_known};
    const auto repair = [&] {
      CHECK(solver.on_repair({{Seq{0}, kRepairSpanMax, {}}, ++seed, coded}).has_value());
    };
    while (solver.open_equations() < kEquationsMax - 1) repair();
    watch.start();
    repair();
    watch.stop();
    watch.record(state);
  }
  count_packets(state, 1, kCodedBytesMax);
}

// How many repairs a window is worth in its last round: a tenth of its parts known lost, the rest
// in flight, a key frame's price.
void repairs_worth(benchmark::State& state) {
  const auto parts = static_cast<std::uint16_t>(state.range(0));
  link::OpenWindow window;
  window.loss = 0.2;
  window.mean_burst = state.range(1) == 0 ? 1 : 5;
  window.parts_by_copies = {static_cast<std::uint16_t>(parts / 10),
                            static_cast<std::uint16_t>(parts * 7 / 10),
                            static_cast<std::uint16_t>(parts * 2 / 10), 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(window);
    const link::RepairChoice choice = link::repairs_worth(window, 0.0002);
    CHECK(choice.repairs > 0 && choice.repairs < 255);
    benchmark::DoNotOptimize(choice);
  }
  count_packets(state, 1, 0);
}

BENCHMARK(encode)->Name("fec/encode")->Arg(8)->Arg(40)->Arg(200);
BENCHMARK(solve)->Name("fec/solve/missing_of_40")->Arg(1)->Arg(4)->Arg(10)->UseManualTime();
BENCHMARK(solve_worst)->Name("fec/solve/worst_repair")->UseManualTime();

BENCHMARK(repairs_worth)
    ->Name("link/repairs_worth")
    ->ArgNames({"parts", "bursts"})
    ->ArgsProduct({{10, 50, 250}, {0, 1}});

const bool kRegistered = [] {
  for (const fec::Kernel& kernel : fec::kernels()) {
    const std::string name{kernel.name};
    benchmark::RegisterBenchmark(("fec/mul_add/one/" + name).c_str(), mul_add_one, kernel);
    benchmark::RegisterBenchmark(("fec/mul_add/four/" + name).c_str(), mul_add_four, kernel);
  }
  return true;
}();

}  // namespace
}  // namespace sluice::bench
