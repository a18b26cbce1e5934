// Probing: asks for short bursts above the estimate and judges what arrived of them. A probe passes
// when it arrives about as fast as it was sent and loses no more than the path does anyway. When:
// at the start and after each success, doubling; 2 s after a fall; every 5 s; when more is wanted.
// Never while a queue stands. Where recent trains show no room, none is made, as it would only fill
// a queue; a probe that fails is tried again lower, and then ever more seldom.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/time.h"
#include "proto/congestion/packet_result.h"

namespace sluice::congestion {

/// What Probing must know to ask.
struct ProbeConditions {
  Instant now{};
  double estimate = 0;  // bits per second
  double useful = 0;    // highest rate the owner can use
  double capacity = 0;  // by recent trains; 0 unknown
  double floor = 0;     // loss that is there anyway
  Duration srtt{0};
  Instant fell_at = kLongAgo;
  bool calm = false;  // no queue, no drain, no competition
};

class Probing {
 public:
  explicit Probing(Instant now) : next_(now) {}

  /// The probe to run now, if any.
  std::optional<ProbeWish> wish() const;

  void on_sent(Instant now, std::uint32_t bytes, ProbeId probe);

  /// A packet of a probe was settled; its arrival counts where it is `timed`.
  void add(const PacketResult& result, bool timed);

  /// After each feedback and at the deadline: judges the probe that is out, asks for the next. The
  /// rate that a probe proved, if one did.
  std::optional<double> update(const ProbeConditions& conditions);

  void want_more(double bits_per_s);

  Instant next_deadline() const;

 private:
  struct Seen {
    Instant first_sent = kNever, last_sent = kLongAgo;
    Duration first_arrival{INT64_MAX}, last_arrival{INT64_MIN};
    std::uint64_t bytes_sent = 0;                   // of settled packets
    std::uint64_t bytes_arrived = 0;                // with a known time
    std::uint32_t first_bytes = 0, last_bytes = 0;  // of the first to arrive, the last sent
    std::uint32_t arrived = 0, lost = 0;
  };

  enum class State : std::uint8_t { kIdle, kSending, kAwaiting };

  void await(Instant now);
  void ask(const ProbeConditions& conditions, double bits_per_s);
  std::optional<double> judge(const ProbeConditions& conditions);
  std::optional<double> rate_to_ask(const ProbeConditions& conditions) const;
  double measured(double& sent_rate) const;

  State state_ = State::kIdle;
  ProbeWish wish_;
  ProbeId last_id_ = kNoProbe;
  Instant asked_at_ = kLongAgo;
  Instant sent_at_ = kLongAgo;  // the last byte
  Instant judge_by_ = kNever;   // with what came until then
  std::uint64_t bytes_out_ = 0;
  Seen seen_;
  Instant next_;
  Instant fell_at_ = kLongAgo;   // the fall that the next probe allows for
  double wanted_ = 0;            // by want_more()
  std::optional<double> retry_;  // the rate to try after a failure
  std::uint32_t failures_ = 0;
  double capacity_before_ = 0;  // by trains, the least since the last probe
};

}  // namespace sluice::congestion
