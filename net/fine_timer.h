// FineTimer: a Timer as precise as the kernel's high-resolution timers (about 50 us late) where
// there is timerfd, one system call per change of the Instant, one descriptor. Elsewhere it is a
// Timer. For the one pacing timer of a worker or a client.
#pragma once

#include <memory>

#include "net/callback.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace sluice::net {

class Loop;

class FineTimer {
 public:
  FineTimer(Loop& loop, Callback<> on_due);
  ~FineTimer();

  /// Fails when the process may open no further descriptor.
  Status<Failure> open();

  /// As Timer::arm. Arming to the Instant already set costs nothing.
  void arm(Instant at) {
    if (at == at_) return;
    at_ = at;
    set(at);
  }

  void cancel() { arm(kNever); }

  bool armed() const { return at_ != kNever; }

 private:
  struct Source;

  void set(Instant at);

  void handle_due() {
    at_ = kNever;
    on_due_();
  }

  Callback<> on_due_;
  Instant at_ = kNever;
  std::unique_ptr<Source> source_;
};

}  // namespace sluice::net
