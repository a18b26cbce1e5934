// Competition: notices a flow that fills the queue whatever we do (a long TCP download through a
// deep buffer). Against it an answer to delay ends in silence: we give way, it takes what we gave.
// The sign is a queue that stays although we send less than half of what the path carries. Then
// the rate answers to loss instead, as that flow does (rate_control.h). It ends when the queue
// empties, or when nearly all that the path carries is ours: then the queue is ours too.
#pragma once

#include "proto/base/time.h"

namespace sluice::congestion {

class Competition {
 public:
  /// After each feedback. `capacity`: of the path, 0 while unknown; `delivered`: of ours.
  void update(Instant now, Duration queue, double delivered_bits_per_s, double capacity_bits_per_s);

  bool active() const { return active_; }

 private:
  void enter_or_leave(bool enter);

  bool active_ = false;
  Instant high_since_ = kNever;   // the queue has been high, and our share small
  Instant alone_since_ = kNever;  // the queue has been empty, or our share large
};

}  // namespace sluice::congestion
