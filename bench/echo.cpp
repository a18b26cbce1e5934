#include "bench/echo.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>

namespace sluice::bench {

namespace {

constexpr int kPollMs = 20;            // how soon a thread sees that it is over
constexpr double kDrainSeconds = 0.1;  // for what is still under way at the end
constexpr std::size_t kPacketBytesMax = 65507;

double seconds_of(const timespec& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double clock_seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return seconds_of(t);
}

// Nanoseconds would not fit a double of wall-clock seconds to the last digit; 0.2 us is what is
// left.
double us_between(const timespec& from, const timespec& to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) * 1e6 +
         static_cast<double>(to.tv_nsec - from.tv_nsec) * 1e-3;
}

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    const bool ready = fd_ >= 0 && ::bind(fd_, as_sockaddr(address), sizeof address) == 0 &&
                       setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0;
    if (!ready) throw std::system_error{errno, std::generic_category(), "UDP socket for the echo"};
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }

  sockaddr_in address() const {
    sockaddr_in result{};
    socklen_t length = sizeof result;
    getsockname(fd_, as_sockaddr(result), &length);
    return result;
  }

  bool readable() const {
    pollfd polled{fd_, POLLIN, 0};
    return ::poll(&polled, 1, kPollMs) > 0;
  }

  // The socket interface names every address by its first member's type.
  static sockaddr* as_sockaddr(sockaddr_in& address) {
    return reinterpret_cast<sockaddr*>(&address);
  }

 private:
  int fd_;
};

/// One received datagram in a buffer of its own.
struct Received {
  ssize_t bytes = 0;
  sockaddr_in from{};
  timespec stamp{};
};

Received receive(const Socket& socket, std::vector<std::byte>& buffer) {
  Received result;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::byte, 128> ancillary{};
  msghdr message{};
  message.msg_name = &result.from;
  message.msg_namelen = sizeof result.from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  result.bytes = ::recvmsg(socket.fd(), &message, MSG_DONTWAIT);
  if (result.bytes < 0) return result;
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_TIMESTAMPNS) {
      std::memcpy(&result.stamp, CMSG_DATA(at), sizeof result.stamp);
    }
  }
  return result;
}

/// Reads all that waits and sends each datagram back as soon as it is read. One sample a turn, as
/// the relay's forward latency has it: from the oldest datagram's arrival to the end of the last
/// send.
void echo_until(const std::atomic<bool>& over, const Socket& socket,
                std::vector<double>& turnaround_us) {
  std::vector<std::byte> buffer(kPacketBytesMax);
  while (!over) {
    if (!socket.readable()) continue;
    Received got = receive(socket, buffer);
    const timespec oldest = got.stamp;
    if (got.bytes < 0) continue;
    for (; got.bytes >= 0; got = receive(socket, buffer)) {
      ::sendto(socket.fd(), buffer.data(), static_cast<std::size_t>(got.bytes), 0,
               Socket::as_sockaddr(got.from), sizeof got.from);
    }
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);  // the clock of the kernel's stamps
    turnaround_us.push_back(us_between(oldest, now));
  }
}

/// Each datagram carries when it was sent.
void collect_until(const std::atomic<bool>& over, const Socket& socket,
                   std::vector<double>& round_trip_us) {
  std::vector<std::byte> buffer(kPacketBytesMax);
  while (!over) {
    if (!socket.readable()) continue;
    while (receive(socket, buffer).bytes >= static_cast<ssize_t>(sizeof(double))) {
      double sent_at = 0;
      std::memcpy(&sent_at, buffer.data(), sizeof sent_at);
      round_trip_us.push_back((clock_seconds(CLOCK_MONOTONIC) - sent_at) * 1e6);
    }
  }
}

void sleep_until(double at) {
  const auto seconds = static_cast<time_t>(at);
  const timespec t{seconds, static_cast<long>((at - static_cast<double>(seconds)) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

unsigned packets_of(const EchoOptions& options, unsigned burst) {
  const unsigned period = options.bursts_per_key_burst;
  const bool is_key = period != 0 && burst % period == period / 2;
  return is_key ? options.packets_per_key_burst : options.packets_per_burst;
}

std::uint64_t send_bursts(const EchoOptions& options, const Socket& socket, sockaddr_in to) {
  std::vector<std::byte> packet(options.packet_bytes);
  std::uint64_t sent = 0;
  const double start = clock_seconds(CLOCK_MONOTONIC);
  const auto bursts = static_cast<unsigned>(options.seconds * options.bursts_per_second);
  for (unsigned burst = 0; burst < bursts; ++burst) {
    sleep_until(start + burst / static_cast<double>(options.bursts_per_second));
    for (unsigned i = packets_of(options, burst); i > 0; --i) {
      const double now = clock_seconds(CLOCK_MONOTONIC);
      std::memcpy(packet.data(), &now, sizeof now);
      const ssize_t bytes = ::sendto(socket.fd(), packet.data(), packet.size(), 0,
                                     Socket::as_sockaddr(to), sizeof to);
      sent += bytes > 0 ? 1U : 0U;
    }
  }
  return sent;
}

}  // namespace

double Latencies::quantile(double q) const {
  if (us.empty()) return 0;
  const auto rank = static_cast<std::size_t>(q * static_cast<double>(us.size()));
  return us[std::min(rank, us.size() - 1)];
}

EchoReport run_echo(const EchoOptions& options) {
  if (options.packet_bytes < sizeof(double) || options.packet_bytes > kPacketBytesMax) {
    throw std::invalid_argument{"a packet has 8 to 65507 bytes"};
  }
  const Socket echo, client;
  std::atomic<bool> over{false};
  EchoReport report;
  std::thread echoing{[&] { echo_until(over, echo, report.turnaround.us); }};
  std::thread collecting{[&] { collect_until(over, client, report.round_trip.us); }};
  report.packets_sent = send_bursts(options, client, echo.address());
  sleep_until(clock_seconds(CLOCK_MONOTONIC) + kDrainSeconds);
  over = true;
  echoing.join();
  collecting.join();
  report.packets_returned = report.round_trip.us.size();
  std::sort(report.turnaround.us.begin(), report.turnaround.us.end());
  std::sort(report.round_trip.us.begin(), report.round_trip.us.end());
  return report;
}

std::string echo_json(const EchoReport& report) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(),
                "{\"packets_sent\": %llu, \"packets_returned\": %llu, \"turnaround_us_p50\": %.1f, "
                "\"turnaround_us_p99\": %.1f, \"round_trip_us_p50\": %.1f, \"round_trip_us_p99\": "
                "%.1f}\n",
                static_cast<unsigned long long>(report.packets_sent),
                static_cast<unsigned long long>(report.packets_returned),
                report.turnaround.quantile(0.5), report.turnaround.quantile(0.99),
                report.round_trip.quantile(0.5), report.round_trip.quantile(0.99));
  return text.data();
}

}  // namespace sluice::bench
