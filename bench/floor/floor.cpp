#include "bench/floor/floor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bench/floor/forwarder.h"

namespace sluice::bench {
namespace {

constexpr int kSinkBufferBytes = 4096;  // soon full: a sink that reads would cost the other core
constexpr int kPollMs = 20;

/// Sockets that nobody reads.
class UnreadSinks {
 public:
  explicit UnreadSinks(unsigned count) : sockets_(count) {
    for (const LoopbackSocket& socket : sockets_) {
      setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &kSinkBufferBytes, sizeof kSinkBufferBytes);
      addresses_.push_back(socket.address());
    }
  }

  const std::vector<sockaddr_in>& addresses() const { return addresses_; }

 private:
  std::vector<LoopbackSocket> sockets_;
  std::vector<sockaddr_in> addresses_;
};

double seconds_between(const timeval& from, const timeval& to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) +
         static_cast<double>(to.tv_usec - from.tv_usec) * 1e-6;
}

/// Forwards until `over`; `done` counts the bursts.
void forward(Forwarder& forwarder, const std::atomic<bool>& over, std::atomic<std::uint64_t>& done,
             FloorReport& report) {
  rusage before{}, after{};
  ForwarderCounts counts;
  getrusage(RUSAGE_THREAD, &before);
  while (!over) {
    if (forwarder.turn(kPollMs, counts)) ++done;
  }
  getrusage(RUSAGE_THREAD, &after);
  report.user_s = seconds_between(before.ru_utime, after.ru_utime);
  report.system_s = seconds_between(before.ru_stime, after.ru_stime);
  report.packets_in = counts.packets_in;
  report.packets_out = counts.packets_out;
  report.system_calls = counts.system_calls;
}

/// The next burst leaves when the last one was forwarded: the forwarder is never idle for long and
/// never behind.
void feed(const FloorOptions& options, sockaddr_in to, const std::atomic<std::uint64_t>& done) {
  LoopbackSocket socket;
  const std::size_t bytes = kFloorHeaderBytes + options.packet_bytes;
  const int segment = static_cast<int>(bytes);
  setsockopt(socket.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
  std::vector<std::byte> burst(options.burst * bytes, std::byte{0x5A});
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  for (std::uint64_t sent = 0; std::chrono::steady_clock::now() < end; ++sent) {
    for (std::uint32_t i = 0; i < options.burst; ++i) {
      FloorTag{0, static_cast<std::uint32_t>(sent) * options.burst + i}.write(burst.data() +
                                                                              i * bytes);
    }
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
  const UnreadSinks sinks{options.subscribers};
  Forwarder forwarder({options.cipher, kFloorHeaderBytes + options.packet_bytes, options.burst},
                      sinks.addresses());
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> done{0};
  std::thread forwarding{[&] { forward(forwarder, over, done, report); }};
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
