#include "net/hang_up.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>

namespace sluice::net {

namespace {

/// Taken from the kernel at once; what is left makes the loop call again.
constexpr int kEventsMax = 64;

}  // namespace

HangUpWatch::HangUpWatch(Loop& loop, Callback<std::uint64_t> on_hang_up)
    : on_hang_up_(on_hang_up),
      poll_(loop, Callback<unsigned>::to<&HangUpWatch::handle_ready>(this)) {}

Status<Failure> HangUpWatch::open() {
  fd_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!fd_.valid()) return Unexpected{system_failure("cannot watch connections", errno)};
  if (auto opened = poll_.open(fd_.get()); !opened) return opened;
  poll_.watch(Poll::kReadable);
  return Done{};
}

bool HangUpWatch::add(int fd, std::uint64_t number) {
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLONESHOT;
  event.data.u64 = number;
  return epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void HangUpWatch::remove(int fd) {
  // Refused for one that is not there: then there is nothing to remove.
  static_cast<void>(epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr));
}

void HangUpWatch::handle_ready(unsigned /*events*/) {
  std::array<epoll_event, kEventsMax> events{};
  const int count = epoll_wait(fd_.get(), events.data(), kEventsMax, 0);
  for (int i = 0; i < count; ++i) on_hang_up_(events[static_cast<std::size_t>(i)].data.u64);
}

}  // namespace sluice::net
