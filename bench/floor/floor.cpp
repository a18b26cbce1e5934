#include "bench/floor/floor.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

namespace sluice::bench {
namespace {

constexpr unsigned kMessagesPerCall = 16;
constexpr int kSinkBufferBytes = 4096;  // soon full: a sink that reads would cost the other core
constexpr int kPollMs = 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

class UdpFd {
 public:
  UdpFd() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ < 0) fail("a UDP socket for the floor");
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) fail("bind");
    socklen_t length = sizeof address_;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &length);
  }

  UdpFd(UdpFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}

  UdpFd(const UdpFd&) = delete;

  ~UdpFd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }

  sockaddr_in& address() { return address_; }

 private:
  int fd_;
  sockaddr_in address_{};
};

struct Sink {
  explicit Sink(CipherKind kind, std::uint32_t index) : cipher(make_cipher(kind, index)) {
    setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &kSinkBufferBytes, sizeof kSinkBufferBytes);
  }

  UdpFd socket;
  std::unique_ptr<FloorCipher> cipher;
  std::uint64_t next_number = 0;
};

class Forwarder {
 public:
  explicit Forwarder(const FloorOptions& options)
      : options_(options),
        sealed_bytes_(kFloorHeaderBytes + options.packet_bytes + kFloorTagBytes),
        received_(options.burst * options.packet_bytes),
        arena_(kMessagesPerCall * options.burst * sealed_bytes_) {
    for (std::uint32_t i = 0; i < options.subscribers; ++i) sinks_.emplace_back(options.cipher, i);
    for (unsigned i = 0; i < options.burst; ++i) {
      received_parts_.push_back(
          {received_.data() + i * options.packet_bytes, options.packet_bytes});
    }
    for (iovec& part : received_parts_) {
      mmsghdr message{};
      message.msg_hdr.msg_iov = &part;
      message.msg_hdr.msg_iovlen = 1;
      received_messages_.push_back(message);
    }
    const int segment = static_cast<int>(sealed_bytes_);
    if (setsockopt(out_.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
      fail("UDP_SEGMENT, which the floor needs");
    }
  }

  sockaddr_in& address() { return in_.address(); }

  /// Forwards until `over`; `done` counts the bursts.
  void run(const std::atomic<bool>& over, std::atomic<std::uint64_t>& done, FloorReport& report) {
    rusage before{}, after{};
    getrusage(RUSAGE_THREAD, &before);
    while (!over) {
      pollfd polled{in_.fd(), POLLIN, 0};
      ++report.system_calls;
      if (::poll(&polled, 1, kPollMs) <= 0) continue;
      forward_burst(report);
      ++done;
    }
    getrusage(RUSAGE_THREAD, &after);
    report.user_s = seconds_between(before.ru_utime, after.ru_utime);
    report.system_s = seconds_between(before.ru_stime, after.ru_stime);
  }

 private:
  static double seconds_between(const timeval& from, const timeval& to) {
    return static_cast<double>(to.tv_sec - from.tv_sec) +
           static_cast<double>(to.tv_usec - from.tv_usec) * 1e-6;
  }

  void forward_burst(FloorReport& report) {
    const int got = ::recvmmsg(in_.fd(), received_messages_.data(), options_.burst, 0, nullptr);
    ++report.system_calls;
    if (got <= 0) return;
    const auto packets = static_cast<unsigned>(got);
    report.packets_in += packets;
    for (std::size_t first = 0; first < sinks_.size(); first += kMessagesPerCall) {
      send_to(first, std::min<std::size_t>(kMessagesPerCall, sinks_.size() - first), packets,
              report);
    }
  }

  void send_to(std::size_t first, std::size_t count, unsigned packets, FloorReport& report) {
    std::array<iovec, kMessagesPerCall> parts{};
    std::array<mmsghdr, kMessagesPerCall> messages{};
    for (std::size_t i = 0; i < count; ++i) {
      Sink& sink = sinks_[first + i];
      std::byte* const run = arena_.data() + i * options_.burst * sealed_bytes_;
      for (unsigned p = 0; p < packets; ++p) {
        sink.cipher->write(
            sink.next_number++,
            Bytes{received_}.subspan(p * options_.packet_bytes, options_.packet_bytes),
            {run + p * sealed_bytes_, sealed_bytes_});
      }
      parts[i] = {run, packets * sealed_bytes_};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &sink.socket.address();
      messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
    }
    const int sent = ::sendmmsg(out_.fd(), messages.data(), static_cast<unsigned>(count), 0);
    ++report.system_calls;
    if (sent > 0) report.packets_out += static_cast<std::uint64_t>(sent) * packets;
  }

  FloorOptions options_;
  std::size_t sealed_bytes_;
  UdpFd in_, out_;
  std::vector<Sink> sinks_;
  std::vector<std::byte> received_, arena_;
  std::vector<iovec> received_parts_;
  std::vector<mmsghdr> received_messages_;
};

/// The next burst leaves when the last one was forwarded: the forwarder is never idle for long and
/// never behind.
void feed(const FloorOptions& options, sockaddr_in& to, const std::atomic<std::uint64_t>& done) {
  UdpFd socket;
  const int segment = static_cast<int>(options.packet_bytes);
  setsockopt(socket.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
  const std::vector<std::byte> burst(options.burst * options.packet_bytes, std::byte{0x5A});
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  for (std::uint64_t sent = 0; std::chrono::steady_clock::now() < end; ++sent) {
    ::sendto(socket.fd(), burst.data(), burst.size(), 0, reinterpret_cast<sockaddr*>(&to),
             sizeof to);
    while (done <= sent && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }
}

void check(const FloorOptions& options) {
  const bool fits = (options.packet_bytes + kFloorHeaderBytes + kFloorTagBytes) * options.burst <=
                    std::size_t{65'000};
  if (options.burst == 0 || options.burst > kFloorBurstMax || options.packet_bytes == 0 || !fits) {
    throw std::invalid_argument{"a burst has 1 to 48 packets and 65,000 bytes at most"};
  }
  if (options.subscribers == 0 || options.subscribers > kFloorSubscribersMax) {
    throw std::invalid_argument{"there are 1 to 10,000 subscribers"};
  }
  if (!cipher_available(options.cipher)) {
    throw std::invalid_argument{std::string{cipher_name(options.cipher)} +
                                " is not there: install libipsec-mb-dev and build again"};
  }
}

}  // namespace

double FloorReport::ns_per_packet() const {
  return packets_out == 0 ? 0 : (user_s + system_s) * 1e9 / static_cast<double>(packets_out);
}

FloorReport run_floor(const FloorOptions& options) {
  check(options);
  FloorReport report;
  report.options = options;
  Forwarder forwarder(options);
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> done{0};
  std::thread forwarding{[&] { forwarder.run(over, done, report); }};
  feed(options, forwarder.address(), done);
  over = true;
  forwarding.join();
  return report;
}

std::string floor_json(const FloorReport& report) {
  const auto out = static_cast<double>(std::max<std::uint64_t>(report.packets_out, 1));
  const double ns = report.ns_per_packet();
  const nlohmann::ordered_json json{
      {"cipher", cipher_name(report.options.cipher)},
      {"subscribers", report.options.subscribers},
      {"burst", report.options.burst},
      {"packet_bytes", report.options.packet_bytes},
      {"packets_in", report.packets_in},
      {"packets_out", report.packets_out},
      {"ns_per_packet", ns},
      {"user_ns_per_packet", report.user_s * 1e9 / out},
      {"system_ns_per_packet", report.system_s * 1e9 / out},
      {"packets_per_second_per_core", ns > 0 ? 1e9 / ns : 0.0},
      {"syscalls_per_packet", static_cast<double>(report.system_calls) / out}};
  return json.dump(2) + "\n";
}

}  // namespace sluice::bench
