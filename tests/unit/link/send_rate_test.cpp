// Congestion control as a link uses it, against a path of one bottleneck in steps of a millisecond.
#include "proto/link/send_rate.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "proto/link/received_packets.h"
#include "proto/wire/media_header.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kPacer = 50'000'000;
constexpr Duration kWay = milliseconds{20};
constexpr std::uint32_t kPartBytes = 1'150, kPacketBytes = 1'200;

/// A sender of frames of seven parts, 30 a second: 1.93 Mbit/s of media, 2.02 in all.
struct Call {
  explicit Call(std::uint64_t capacity) : capacity_bits_per_s(capacity) {}

  /// Every millisecond of `time`; `each` looks at the call after it.
  template <typename Each>
  void run(Duration time, bool media, Each each) {
    for (const Instant end = now + time; now < end; now += milliseconds{1}) {
      take_feedback();
      if (rate.next_deadline() <= now) rate.handle_timeout(now);
      if (media && now >= next_frame) send_frame();
      if (rate.fill_at(now) <= now) {
        for (std::size_t i = rate.fill_packets(); i > 0; --i, ++probes) send_packet();
      }
      each();
    }
  }

  void run(Duration time, bool media = true) {
    run(time, media, [] {});
  }

  void send_frame() {
    next_frame = std::max(next_frame, now - milliseconds{33}) + Duration{33'333};
    ++frames;
    std::vector<std::byte> part(kPartBytes);
    part[wire::kMediaIndexOffset + 2] = std::byte{7};
    rate.on_offered(7 * kPartBytes);
    if (rate.shedding() && frames % 2 == 0) return;
    for (int i = 0; i < 7; ++i) {
      rate.on_fresh_part(now, part);
      counts.media_bytes_sent += kPartBytes;
      send_packet();
    }
    arrived_all();
  }

  void send_packet() {
    rate.on_packet(now, {next_number}, kPacketBytes, true);
    counts.bytes_sent += kPacketBytes;
    free_at = std::max(free_at, now) +
              Duration{kPacketBytes * 8'000'000LL / static_cast<std::int64_t>(capacity_bits_per_s)};
    lcg = lcg * 6364136223846793005U + 1442695040888963407U;
    const auto late = jitter_us == 0 ? 0 : static_cast<std::int64_t>((lcg >> 33U) % jitter_us);
    newest_arrival = std::max(newest_arrival, free_at + kWay + Duration{late});
    received.record(newest_arrival, {next_number}, {.asks_feedback = true});
    rtt.sample(now, newest_arrival - now + kWay);
    ++next_number;
  }

  void arrived_all() {
    wire::Feedback feedback;
    ASSERT_TRUE(received.fill(newest_arrival, milliseconds{200}, feedback));
    received.on_feedback_sent(newest_arrival);
    underway.emplace_back(newest_arrival + kWay, feedback);
  }

  void take_feedback() {
    for (; !underway.empty() && underway.front().first <= now; underway.pop_front()) {
      rate.on_feedback(now, underway.front().second, rtt, counts);
    }
  }

  std::uint64_t capacity_bits_per_s;
  std::uint64_t jitter_us = 0;
  Instant now{seconds{1}};
  SendRate rate{kPacer, now};
  Instant next_frame = now, free_at = now, newest_arrival = now;
  ReceivedPackets received;
  RttEstimator rtt;
  LinkStats counts;
  std::deque<std::pair<Instant, wire::Feedback>> underway;
  std::uint64_t next_number = 0, frames = 0, probes = 0, lcg = 1;
};

TEST(SendRate, KnowsNothingAndHindersNothingBeforeMedia) {
  Call call{5'000'000};
  call.run(seconds{1}, false);
  EXPECT_EQ(call.rate.capacity_bits_per_s(), 0U);
  EXPECT_EQ(call.rate.needed_bits_per_s(), 0U);
  EXPECT_EQ(call.rate.pacing_bits_per_s(), kPacer);
  EXPECT_EQ(call.rate.packet_time(), Duration{0});
  EXPECT_EQ(call.rate.next_deadline(), kNever);
  EXPECT_EQ(call.rate.fill_at(call.now), kNever);
  EXPECT_FALSE(call.rate.shedding());
  EXPECT_FALSE(call.rate.queue_is_full());
}

TEST(SendRate, LearnsWhatIsNeededAndWhatThePathCarries) {
  for (const std::uint64_t capacity : {3'000'000U, 5'000'000U, 20'000'000U}) {
    Call call{capacity};
    call.run(seconds{8});
    EXPECT_NEAR(static_cast<double>(call.rate.needed_bits_per_s()), 2.02e6, 0.1e6) << capacity;
    const auto carries = static_cast<double>(capacity);
    EXPECT_NEAR(static_cast<double>(call.rate.capacity_bits_per_s()) / carries, 1, 0.1) << capacity;
    EXPECT_GT(call.rate.target_bits_per_s(), call.rate.needed_bits_per_s()) << capacity;
    EXPECT_NEAR(static_cast<double>(call.rate.pacing_bits_per_s()) / carries, 0.9, 0.1) << capacity;
    EXPECT_GT(call.probes, 0U) << capacity;
    EXPECT_LT(call.probes * 100, call.next_number * 5) << capacity;
    EXPECT_FALSE(call.rate.shedding()) << capacity;
  }
}

TEST(SendRate, ALongPauseDoesNotMakeMediaLookSmaller) {
  Call call{5'000'000};
  call.run(milliseconds{50});
  call.run(seconds{10}, false);
  call.run(milliseconds{2'300});
  EXPECT_GT(call.rate.needed_bits_per_s(), 1'900'000U);
}

TEST(SendRate, ANarrowerPathIsSeenAndItsReturnToo) {
  Call call{5'000'000};
  call.run(seconds{6});
  call.capacity_bits_per_s = 1'500'000;
  bool full = false;
  call.run(seconds{1}, true, [&] { full = full || call.rate.queue_is_full(); });
  EXPECT_TRUE(full);
  EXPECT_TRUE(call.rate.shedding());
  EXPECT_LT(call.rate.target_bits_per_s(), 1'600'000U);
  call.run(seconds{4});
  EXPECT_FALSE(call.rate.queue_is_full()) << "half of the frames fit";
  EXPECT_NEAR(static_cast<double>(to_us(call.rate.packet_time())), 6'500, 1'000);
  call.capacity_bits_per_s = 5'000'000;
  call.run(seconds{5});
  EXPECT_FALSE(call.rate.shedding());
  EXPECT_GT(call.rate.target_bits_per_s(), call.rate.needed_bits_per_s());
}

// The delay of each packet is another one, and what arrives is what was sent.
TEST(SendRate, JitterWithoutAQueueHoldsNoMediaBack) {
  for (const std::uint64_t jitter_us : {10'000U, 30'000U, 60'000U}) {
    Call call{20'000'000};
    call.run(seconds{5});
    call.jitter_us = jitter_us;
    int held = 0, shed = 0;
    call.run(seconds{20}, true, [&] {
      held += call.rate.pacing_bits_per_s() < call.rate.needed_bits_per_s() ? 1 : 0;
      shed += call.rate.shedding() ? 1 : 0;
    });
    EXPECT_EQ(held, 0) << jitter_us;
    EXPECT_LT(shed, 1'000) << jitter_us;
  }
}

TEST(SendRate, AnotherPathIsUnknown) {
  Call call{5'000'000};
  call.run(seconds{5});
  call.rate.reset(call.now);
  EXPECT_EQ(call.rate.capacity_bits_per_s(), 0U);
  EXPECT_EQ(call.rate.pacing_bits_per_s(), kPacer);
  EXPECT_GT(call.rate.needed_bits_per_s(), 1'900'000U) << "media is what it was";
  call.run(seconds{5});
  EXPECT_NEAR(static_cast<double>(call.rate.capacity_bits_per_s()), 5e6, 0.5e6);
}

TEST(SendRate, WithoutAPacerItStillMeasures) {
  Call call{5'000'000};
  call.rate = SendRate{0, call.now};
  call.run(seconds{5});
  EXPECT_EQ(call.rate.pacing_bits_per_s(), 0U);
  EXPECT_NEAR(static_cast<double>(call.rate.capacity_bits_per_s()), 5e6, 0.5e6);
}

}  // namespace
}  // namespace sluice::link
