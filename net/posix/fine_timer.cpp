#include "net/fine_timer.h"

#include "net/loop.h"

namespace sluice::net {

/// No kernel timer finer than libuv's that all of them have: up to 1 ms late.
struct FineTimer::Source {
  Source(Loop& loop, FineTimer& timer)
      : due(loop, Callback<>::to<&FineTimer::handle_due>(&timer)) {}

  Timer due;
};

FineTimer::FineTimer(Loop& loop, Callback<> on_due)
    : on_due_(on_due), source_(std::make_unique<Source>(loop, *this)) {}

FineTimer::~FineTimer() = default;

Status<Failure> FineTimer::open() { return Done{}; }

void FineTimer::set(Instant at) { source_->due.arm(at); }

}  // namespace sluice::net
