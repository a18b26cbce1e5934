// proto/congestion: one feedback of 16 packets, and one packet sent. Steady state: 4 Mbit/s over a
// clean path for a virtual minute, so that every window is full.
#include <array>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/congestion/controller.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t kBytes = 1200;
constexpr std::int64_t kGapUs = 2'400;

struct Call {
  congestion::Controller controller{{}, Instant{}};
  std::array<congestion::PacketResult, 16> results{};
  std::uint64_t number = 0;

  Instant now() const { return instant_from_us(static_cast<std::int64_t>(number) * kGapUs); }

  void send_16() {
    for (congestion::PacketResult& result : results) {
      result.number = {number};
      result.sent_at = now();
      result.arrival = Duration{to_us(now()) + 50'000};
      result.bytes = kBytes;
      controller.on_sent(now(), {number}, kBytes);
      ++number;
    }
  }

  void tell_16() {
    controller.on_feedback(now(), results,
                           {std::chrono::milliseconds{100}, std::chrono::milliseconds{100}, 0});
  }
};

void feedback_of_16(benchmark::State& state) {
  Call call;
  while (call.now() < instant_from_us(60'000'000)) {
    call.send_16();
    call.tell_16();
  }
  for (auto _ : state) {
    call.send_16();
    call.tell_16();
    benchmark::DoNotOptimize(call.controller);
  }
  CHECK(call.controller.delivered_bits_per_s() > 3'000'000);
  count_packets(state, 1, 0);
}

BENCHMARK(feedback_of_16)->Name("congestion/feedback_of_16");

}  // namespace
}  // namespace sluice::bench
