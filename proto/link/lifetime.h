// Lifetime: how long a link lives in silence, and when it breaks its own (P-KEEP-01, P-HS-11).
#pragma once

#include <algorithm>
#include <optional>

#include "proto/base/limits.h"
#include "proto/base/time.h"

namespace sluice::link {

class Lifetime {
 public:
  Lifetime(Instant now, Duration idle_timeout, Duration keepalive)
      : idle_timeout_(idle_timeout), keepalive_(keepalive), received_(now), sent_(now) {}

  void on_sent(Instant now) { sent_ = now; }

  /// Something authentic came. True the first time: the link is established.
  bool on_received(Instant now) {
    received_ = now;
    const bool first = !established_;
    established_ = true;
    return first;
  }

  bool established() const { return established_; }

  /// A link that only waits for its first packet dies sooner.
  Instant idle_at() const {
    return received_ + (established_ ? idle_timeout_ : std::min(idle_timeout_, kHalfOpenTimeout));
  }

  Instant keepalive_at() const { return sent_ + keepalive_; }

 private:
  Duration idle_timeout_, keepalive_;
  Instant received_, sent_;
  bool established_ = false;
};

}  // namespace sluice::link
