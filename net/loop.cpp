#include "net/loop.h"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "proto/base/check.h"

namespace sluice::net {

namespace {

/// libwebsockets 4.1 needs one; a handle of ours that is still open after some is a bug.
constexpr int kSettlingIterations = 8;

timespec read_clock(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);  // cannot fail for the two clocks used here
  return at;
}

/// libuv's clock is CLOCK_MONOTONIC in whole milliseconds: rounding up makes a timer never early.
std::uint64_t ceil_ms(Instant at) {
  return static_cast<std::uint64_t>((std::max<std::int64_t>(to_us(at), 0) + 999) / 1000);
}

}  // namespace

Loop::Loop() : read_buffer_(std::make_unique<std::byte[]>(kReadBufferBytes)) {
  CHECK(uv_loop_init(&loop_) == 0);
  // A peer that left must be an error of one write, not the end of the process.
  static_cast<void>(signal(SIGPIPE, SIG_IGN));
  refresh_now();
}

Loop::~Loop() {
  // A library that was told to end may close its handles in steps.
  for (int i = 0; i < kSettlingIterations && has_open_handles(); ++i) {
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
  // Only closing handles and requests may be left; a live handle would block below for ever.
  CHECK(!has_open_handles());
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  for (const Callback<>& callback : at_close_) callback();
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  CHECK(uv_loop_close(&loop_) == 0);
}

void Loop::run() {
  refresh_now();
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::run_ready() {
  refresh_now();
  uv_run(&loop_, UV_RUN_NOWAIT);
}

void Loop::run_once() {
  refresh_now();
  uv_run(&loop_, UV_RUN_ONCE);
}

void Loop::stop() { uv_stop(&loop_); }

Instant Loop::refresh_now() {
  const timespec at = read_clock(CLOCK_MONOTONIC);
  now_ = instant_from_us(std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000);
  return now_;
}

UnixSeconds Loop::wall_clock() { return {read_clock(CLOCK_REALTIME).tv_sec}; }

std::int64_t Loop::wall_clock_us() {
  const timespec at = read_clock(CLOCK_REALTIME);
  return std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000;
}

bool Loop::has_open_handles() {
  bool found = false;
  uv_walk(
      &loop_,
      [](uv_handle_t* handle, void* result) {
        if (uv_is_closing(handle) == 0) *static_cast<bool*>(result) = true;
      },
      &found);
  return found;
}

Timer::Timer(Loop& loop, Callback<> on_due) : loop_(loop), on_due_(on_due), handle_(this) {
  CHECK(uv_timer_init(loop.uv(), handle_.get()) == 0);
}

void Timer::arm(Instant at) {
  if (at >= kNever) return cancel();
  const std::uint64_t due_ms = ceil_ms(at);
  const std::uint64_t now_ms = uv_now(loop_.uv());
  CHECK(uv_timer_start(handle_.get(), handle_due, due_ms > now_ms ? due_ms - now_ms : 0, 0) == 0);
}

void Timer::arm_in(Duration delay) { arm(loop_.now() + delay); }

void Timer::cancel() { uv_timer_stop(handle_.get()); }

bool Timer::armed() const { return uv_is_active(handle_.handle()) != 0; }

void Timer::handle_due(uv_timer_t* handle) {
  auto* self = UvHandle<uv_timer_t>::owner<Timer>(handle);
  if (self == nullptr) return;
  self->loop_.refresh_now();
  self->on_due_();
}

Async::Async(Loop& loop, Callback<> on_wake) : loop_(loop), on_wake_(on_wake), handle_(this) {
  CHECK(uv_async_init(loop.uv(), handle_.get(), handle_wake) == 0);
}

void Async::wake() {
  // Fails only for a handle that is closing, which the owner's lifetime excludes.
  static_cast<void>(uv_async_send(handle_.get()));
}

void Async::handle_wake(uv_async_t* handle) {
  auto* self = UvHandle<uv_async_t>::owner<Async>(handle);
  if (self == nullptr) return;
  self->loop_.refresh_now();
  self->on_wake_();
}

Signal::Signal(Loop& loop, Callback<int> on_signal)
    : loop_(loop), on_signal_(on_signal), handle_(this) {}

Status<Failure> Signal::watch(int number) {
  if (!handle_.initialised()) {
    if (const int error = uv_signal_init(loop_.uv(), handle_.get()); error != 0) {
      return Unexpected{system_failure("cannot watch signals", -error)};
    }
  }
  if (const int error = uv_signal_start(handle_.get(), handle_signal, number); error != 0) {
    return Unexpected{system_failure("cannot watch signal " + std::to_string(number), -error)};
  }
  uv_unref(handle_.handle());
  return Done{};
}

void Signal::handle_signal(uv_signal_t* handle, int number) {
  auto* self = UvHandle<uv_signal_t>::owner<Signal>(handle);
  if (self == nullptr) return;
  self->loop_.refresh_now();
  self->on_signal_(number);
}

BeforePoll::BeforePoll(Loop& loop, Callback<> callback) : callback_(callback), handle_(this) {
  CHECK(uv_prepare_init(loop.uv(), handle_.get()) == 0);
  CHECK(uv_prepare_start(handle_.get(), handle_prepare) == 0);
  uv_unref(handle_.handle());
}

void BeforePoll::handle_prepare(uv_prepare_t* handle) {
  if (auto* self = UvHandle<uv_prepare_t>::owner<BeforePoll>(handle)) self->callback_();
}

AfterPoll::AfterPoll(Loop& loop, Callback<> callback) : callback_(callback), handle_(this) {
  CHECK(uv_check_init(loop.uv(), handle_.get()) == 0);
  CHECK(uv_check_start(handle_.get(), handle_check) == 0);
  uv_unref(handle_.handle());
}

void AfterPoll::handle_check(uv_check_t* handle) {
  if (auto* self = UvHandle<uv_check_t>::owner<AfterPoll>(handle)) self->callback_();
}

Poll::Poll(Loop& loop, Callback<unsigned> on_ready)
    : loop_(loop), on_ready_(on_ready), handle_(this) {}

Status<Failure> Poll::open(int fd) {
  if (const int error = uv_poll_init(loop_.uv(), handle_.get(), fd); error != 0) {
    return Unexpected{system_failure("cannot watch a descriptor", -error)};
  }
  return Done{};
}

void Poll::watch(unsigned events) {
  watched_ = events;
  const int error = events == 0
                        ? uv_poll_stop(handle_.get())
                        : uv_poll_start(handle_.get(), static_cast<int>(events), handle_ready);
  CHECK(error == 0);
}

void Poll::handle_ready(uv_poll_t* handle, int status, int events) {
  auto* self = UvHandle<uv_poll_t>::owner<Poll>(handle);
  if (self == nullptr) return;
  self->loop_.refresh_now();
  // libuv has stopped a descriptor in an error state; our callers read the error off it and go on.
  if (status < 0) self->watch(self->watched_);
  self->on_ready_(status < 0 ? self->watched_ : static_cast<unsigned>(events));
}

}  // namespace sluice::net
