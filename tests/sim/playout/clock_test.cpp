// Half an hour of a pusher whose clock is not ours, over a path that jitters: the play-out delay
// neither follows the drift nor loses a frame to it.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "client/jitter_buffer.h"
#include "sim/impairment.h"
#include "tests/unit/client/pushed.h"

namespace sluice::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TrackId kAudio{1}, kVideo{2};
constexpr Instant kStart{seconds{1000}};

/// A pusher whose clock is `ppm` slow, its packets on one path, and the buffer at its end.
class DriftingStream {
 public:
  DriftingStream(double ppm, const ImpairmentConfig& path)
      : ppm_(ppm),
        path_(path, 11),
        buffer({client::PlayMode::kPlayOut, client::kPatience, client::PlayOutDelay::Bounds{}}) {
    buffer.add_track(kAudio, TrackKind::kAudio);
    buffer.add_track(kVideo, TrackKind::kVideo);
    buffer.set_round_trip(milliseconds{20});
  }

  /// The next 20 ms of the stream.
  void step() {
    const auto at_us = static_cast<double>(media_ms_) * 1000 * (1 + ppm_ * 1e-6);
    const Instant sent = kStart + microseconds{std::llround(at_us)};
    settle(sent);
    send(sent, kAudio, audio_.frame(media_ms_));
    if (media_ms_ % 40 == 0) {
      const bool keyframe = media_ms_ % 2000 == 0;
      send(sent, kVideo, video_.frame(media_ms_, keyframe, keyframe ? 16'000 : 2000));
    }
    media_ms_ += 20;
  }

  std::uint32_t media_ms() const { return media_ms_; }

  std::uint64_t left = 0;

 private:
  void send(Instant sent, TrackId track, const client::PushedFrame& frame) {
    Instant departs = sent;
    for (const auto& part : frame.parts) {
      for (Delivery& delivery : path_.offer(departs, part)) {
        under_way_.emplace(delivery.at, std::pair{track, std::move(delivery.bytes)});
      }
      departs += microseconds{500};  // 20 Mbit/s
    }
  }

  /// Everything that happens before `until`.
  void settle(Instant until) {
    for (;;) {
      const Instant arrives = under_way_.empty() ? kNever : under_way_.begin()->first;
      const Instant due = std::min(arrives, buffer.next_deadline(now_));
      if (due > until) return;
      now_ = due;
      if (arrives == due) {
        const auto& [track, part] = under_way_.begin()->second;
        EXPECT_TRUE(buffer.handle_part(now_, track, part).has_value());
        under_way_.erase(under_way_.begin());
      }
      while (buffer.poll_frame(now_)) ++left;
    }
  }

  double ppm_;
  Impairment path_;
  client::PushedTrack audio_{kAudio, TrackKind::kAudio}, video_{kVideo, TrackKind::kVideo};
  std::multimap<Instant, std::pair<TrackId, std::vector<std::byte>>> under_way_;
  std::uint32_t media_ms_ = 0;
  Instant now_ = kStart;

 public:
  client::JitterBuffer buffer;
};

TEST(PlayOutClock, DriftOfTwoHundredPpmLeavesTheDelaySteady) {
  constexpr Duration kJitter = milliseconds{10};
  for (const double ppm : {-200.0, 200.0}) {
    DriftingStream stream{ppm, {.latency = milliseconds{10}, .jitter = kJitter}};
    Duration least = seconds{9}, most{0};
    while (stream.media_ms() < 30 * 60'000) {
      stream.step();
      if (stream.media_ms() < 60'000) continue;
      least = std::min(least, stream.buffer.play_out_delay());
      most = std::max(most, stream.buffer.play_out_delay());
    }
    EXPECT_LE(most - least, milliseconds{5}) << ppm << " ppm";
    EXPECT_LE(most, kJitter + milliseconds{20});
    EXPECT_EQ(stream.buffer.counters().skipped_frames, 0U);
    EXPECT_GT(stream.left, 30U * 60 * 75 - 10);
  }
}

}  // namespace
}  // namespace sluice::sim
