#include "bench/fanout/floor_process.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bench/process/process_cost.h"

namespace sluice::bench {
namespace {

bool read_all(int fd, void* to, std::size_t bytes) {
  return ::recv(fd, to, bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes);
}

bool write_all(int fd, const void* from, std::size_t bytes) {
  auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t written = ::send(fd, at, bytes, MSG_NOSIGNAL);
    if (written <= 0) return false;
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

/// The child's whole life; it ends by the parent's signal, or with the parent.
[[noreturn]] void forward_for_good(const ForwarderSetup& setup, int processor, int pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  run_on_processor(processor);
  std::size_t count = 0;
  if (!read_all(pipe, &count, sizeof count)) std::_Exit(0);
  std::vector<sockaddr_in> sinks(count);
  if (!read_all(pipe, sinks.data(), count * sizeof(sockaddr_in))) std::_Exit(0);
  try {
    Forwarder forwarder{setup, sinks};
    ForwarderCounts counts;
    if (!write_all(pipe, &forwarder.address(), sizeof(sockaddr_in))) std::_Exit(0);
    for (;;) forwarder.turn(-1, counts);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "sluice-bench: the floor: %s\n", failure.what());
  }
  std::_Exit(1);
}

}  // namespace

Result<std::unique_ptr<FloorProcess>, Failure> FloorProcess::start(const ForwarderSetup& setup,
                                                                   int processor) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Unexpected{net::system_failure("socketpair", errno)};
  }
  net::Fd ours{ends[0]}, theirs{ends[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return Unexpected{net::system_failure("fork", errno)};
  if (pid == 0) forward_for_good(setup, processor, theirs.get());
  return std::make_unique<FloorProcess>(pid, std::move(ours));
}

FloorProcess::~FloorProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Status<Failure> FloorProcess::serve(std::span<const sockaddr_in> sinks) {
  const std::size_t count = sinks.size();
  if (!write_all(pipe_.get(), &count, sizeof count) ||
      !write_all(pipe_.get(), sinks.data(), sinks.size_bytes()) ||
      !read_all(pipe_.get(), &address_, sizeof address_)) {
    return Unexpected{Failure{"the floor's process did not start"}};
  }
  return Done{};
}

}  // namespace sluice::bench
