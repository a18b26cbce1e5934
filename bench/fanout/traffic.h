// Traffic: who sends what to whom in a fan-out. One room with one pusher and many subscribers, or
// many calls, rooms in which everybody pushes a camera and a microphone and takes those of all
// others. A flow is one track of one pusher. The relay and the floor are fed by the same plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/time.h"

namespace sluice::bench {

enum class Ingress : std::uint8_t {
  kBurst,  ///< frames of `burst` equal packets, not paced
  kPaced,  ///< 30 frames/s of 7 packets (2 Mbit/s), as the product's own pacer sends them
  kCall,   ///< rooms of 4: video at 15 frames/s, 300 kbit/s, and sound, 50/s, of each
};

class Traffic {
 public:
  static constexpr unsigned kCallMembers = 4;

  /// `subscribers`: members in all, with kCall. `copies_per_s` is for kBurst alone.
  Traffic(Ingress ingress, unsigned subscribers, unsigned burst, double copies_per_s);

  struct Push {
    Duration at{};
    std::size_t flow = 0;
  };

  /// The frames of a window, in the order of their times.
  std::vector<Push> window(double seconds) const;

  bool is_call() const { return ingress_ == Ingress::kCall; }

  unsigned rooms() const { return is_call() ? subscribers_ / kCallMembers : 1; }

  /// Who takes media: everybody in a call.
  unsigned sinks() const { return subscribers_; }

  unsigned sinks_per_room() const { return is_call() ? kCallMembers : subscribers_; }

  unsigned sinks_per_flow() const { return is_call() ? kCallMembers - 1 : subscribers_; }

  unsigned flows_per_pusher() const { return is_call() ? 2 : 1; }

  std::size_t flows() const { return is_call() ? std::size_t{2} * subscribers_ : 1; }

  /// Sound is the second flow of a member of a call.
  bool is_audio(std::size_t flow) const { return is_call() && flow % 2 == 1; }

  /// Packets of a frame, media bytes in each, and what the relay's copy has on the wire.
  unsigned packets(std::size_t flow) const;
  std::size_t body_bytes(std::size_t flow) const;
  std::size_t sealed_bytes(std::size_t flow) const;

  double copies_per_s() const;

  void set_copies_per_s(double copies_per_s) { copies_per_s_ = copies_per_s; }

 private:
  double frames_per_s(std::size_t flow) const;

  Ingress ingress_;
  unsigned subscribers_, burst_;
  double copies_per_s_;
};

}  // namespace sluice::bench
