// A deadline of one link among many: moved, as each run and each feedback does, and taken when it
// is due and set again, as pacing does.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "proto/base/check.h"
#include "relay/worker/timer_heap.h"
#include "sim/xoshiro.h"

namespace sluice::bench {
namespace {

struct Owner {
  relay::TimerHeap<Owner>::Node node;
};

constexpr Instant kStart = instant_from_us(1'000'000);

/// The longest that a link's next deadline is away, more or less: its feedback's.
constexpr std::uint64_t kSpanUs = 50'000;

class Heap {
 public:
  explicit Heap(std::size_t links) : owners_(links), random_(1) {
    for (Owner& owner : owners_) {
      owner.node.owner = &owner;
      heap_.set(owner.node, kStart + delay());
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      steps_[i] = {random_.next() % links, delay()};
    }
  }

  ~Heap() {
    for (Owner& owner : owners_) heap_.remove(owner.node);
  }

  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  void move(std::size_t i, Instant now) {
    const Step& step = steps_[i % steps_.size()];
    heap_.set(owners_[step.owner].node, now + step.delay);
  }

  void take(std::size_t i) {
    Owner* const due = heap_.pop_due(heap_.next());
    CHECK(due != nullptr);
    last_ = last_ + Duration{1};
    heap_.set(due->node, last_ + Duration{kSpanUs} + steps_[i % steps_.size()].delay);
  }

 private:
  struct Step {
    std::size_t owner = 0;
    Duration delay{};
  };

  Duration delay() { return Duration{static_cast<std::int64_t>(random_.next() % kSpanUs)}; }

  relay::TimerHeap<Owner> heap_;
  std::vector<Owner> owners_;
  sim::Xoshiro random_;
  std::array<Step, 4096> steps_{};
  Instant last_ = kStart;
};

void move_deadline(benchmark::State& state) {
  Heap heap{static_cast<std::size_t>(state.range(0))};
  std::size_t i = 0;
  for (auto _ : state) {
    heap.move(i, kStart + Duration{static_cast<std::int64_t>(i)});
    ++i;
  }
  state.SetItemsProcessed(state.iterations());
}

void take_due(benchmark::State& state) {
  Heap heap{static_cast<std::size_t>(state.range(0))};
  std::size_t i = 0;
  for (auto _ : state) heap.take(i++);
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(move_deadline)
    ->Name("timer_heap/move")
    ->ArgName("links")
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000);
BENCHMARK(take_due)->Name("timer_heap/take")->ArgName("links")->Arg(100)->Arg(1000)->Arg(10000);

}  // namespace
}  // namespace sluice::bench
