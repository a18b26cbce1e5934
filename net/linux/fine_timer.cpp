#include "net/fine_timer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <sys/timerfd.h>

#include "net/loop.h"
#include "proto/base/check.h"

namespace sluice::net {

/// A timerfd.
struct FineTimer::Source {
  Source(Loop& loop, FineTimer& timer)
      : poll(loop, Callback<unsigned>::to<&Source::handle_readable>(this)), timer_(timer) {}

  void handle_readable(unsigned /*events*/) {
    std::uint64_t expirations = 0;
    // EAGAIN: it was armed anew between the wake-up and here, and is not due yet.
    if (read(fd.get(), &expirations, sizeof expirations) >= 0) timer_.handle_due();
  }

  Fd fd;
  Poll poll;

 private:
  FineTimer& timer_;
};

FineTimer::FineTimer(Loop& loop, Callback<> on_due)
    : on_due_(on_due), source_(std::make_unique<Source>(loop, *this)) {}

FineTimer::~FineTimer() = default;

Status<Failure> FineTimer::open() {
  source_->fd.reset(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!source_->fd.valid()) return Unexpected{system_failure("cannot create a timer", errno)};
  if (auto opened = source_->poll.open(source_->fd.get()); !opened) return opened;
  source_->poll.watch(Poll::kReadable);
  return Done{};
}

void FineTimer::set(Instant at) {
  itimerspec spec{};
  if (at < kNever) {
    // Zero would disarm: what is long due is due at the first nanosecond of the clock instead.
    const std::int64_t us = std::max<std::int64_t>(to_us(at), 1);
    spec.it_value = {us / 1'000'000, us % 1'000'000 * 1000};
  }
  CHECK(timerfd_settime(source_->fd.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

}  // namespace sluice::net
