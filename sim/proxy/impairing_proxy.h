// ImpairingProxy: a UDP proxy over real sockets that treats datagrams as the impairment model says.
// One leg per client address: its own upstream socket and its own two Impairments. End-to-end tests
// put it between a client (`--address`) and the relay.
//
// The store file holds every datagram as it was received, before any impairment, as records of
// `direction u8 (0 to the relay, 1 from it) | leg u16 | length u32 | bytes`, big-endian.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/time.h"
#include "sim/impairment.h"
#include "sim/proxy/proxy_options.h"
#include "sim/proxy/udp.h"

namespace sluice::sim {

class ImpairingProxy {
 public:
  enum class Direction : std::uint8_t { kToRelay = 0, kFromRelay = 1 };

  /// A datagram as it was received, for measurements.
  struct Passed {
    Instant at;
    Direction direction{};
    std::uint32_t bytes = 0;
    bool lost = false;
    Duration queued{0};  // at the bottleneck, before its own transmission
  };

  /// A moment at which the proxy itself was late: datagrams left at `at` instead of `due`.
  struct Stall {
    Instant due, at;
  };

  /// Binds and opens the store file. Throws std::system_error or std::runtime_error with what
  /// failed.
  explicit ImpairingProxy(const ProxyOptions& options);

  /// "127.0.0.1:40123", as bound.
  std::string listening() const { return listener_.local().to_string(); }

  /// Remembers every datagram, and every stall of more than `stall`. Call before run().
  void keep_traffic(Duration stall);

  const std::vector<Passed>& traffic() const { return traffic_; }

  const std::vector<Stall>& stalls() const { return stalls_; }

  /// When this proxy's time began, by the monotonic clock: its Instants count from there.
  Instant start() const { return instant_from_us(start_us_); }

  /// Passes datagrams on until `stop_fd` becomes readable.
  void run(int stop_fd);

  /// Counters of both directions over all legs.
  std::string json() const;

 private:
  struct Leg {
    SocketAddress client;
    UdpSocket upstream;
    Impairment to_relay;
    Impairment from_relay;
    std::size_t address_changes = 0;
  };

  struct Pending {
    Instant at;
    std::uint64_t id;  // keeps the order of equal times
    Direction direction;
    std::size_t leg;
    std::vector<std::byte> bytes;
  };

  struct Later {
    bool operator()(const Pending& a, const Pending& b) const {
      return a.at != b.at ? a.at > b.at : a.id > b.id;
    }
  };

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void wait(int stop_fd, bool& stopped);
  void read_clients();
  void read_upstream(std::size_t leg);
  void pass(Direction direction, std::size_t leg, Bytes datagram);
  void send_due();
  void rebind_due();
  std::size_t leg_of(const SocketAddress& client);
  void store(Direction direction, std::size_t leg, Bytes datagram);
  Instant now() const;

  ProxyOptions options_;
  SocketAddress relay_;
  UdpSocket listener_;
  std::vector<std::unique_ptr<Leg>> legs_;
  std::priority_queue<Pending, std::vector<Pending>, Later> pending_;
  std::unique_ptr<std::FILE, CloseFile> store_;
  std::vector<std::byte> buffer_;
  std::uint64_t next_id_ = 0;
  std::int64_t start_us_;
  Duration stall_ = kNever.time_since_epoch();
  bool keeps_traffic_ = false;
  std::vector<Passed> traffic_;
  std::vector<Stall> stalls_;
};

}  // namespace sluice::sim
