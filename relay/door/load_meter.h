// LoadMeter: whether the door is under load and asks for cookies. It adds up what the INITs of the
// last 100 ms cost by measured prices, so the answer is the same in every run of a simulation.
#pragma once

#include "proto/base/time.h"

namespace sluice::relay {

class LoadMeter {
 public:
  explicit LoadMeter(Instant now) : window_began_(now) {}

  /// An INIT was looked at: about 4 us up to the ticket.
  void add_init(Instant now) { add(now, Duration{4}); }

  /// Its Diffie-Hellmans were done: about 190 us.
  void add_handshake(Instant now) { add(now, Duration{190}); }

  bool under_load(Instant now) {
    turn(now);
    return now < loaded_until_;
  }

 private:
  static constexpr Duration kWindow = std::chrono::milliseconds{100};
  /// Half of the thread's time: 2600 joins a second. The other half is left for a flood's refusals.
  static constexpr Duration kWorkMax = std::chrono::milliseconds{50};
  static constexpr Duration kHold = std::chrono::seconds{1};

  void turn(Instant now) {
    if (now - window_began_ < kWindow) return;
    window_began_ = now;
    work_ = Duration{0};
  }

  void add(Instant now, Duration cost) {
    turn(now);
    work_ += cost;
    if (work_ > kWorkMax) loaded_until_ = now + kHold;
  }

  Instant window_began_;
  Duration work_{0};
  Instant loaded_until_ = kLongAgo;
};

}  // namespace sluice::relay
