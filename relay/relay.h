// Relay: the whole SFU of one process behind one face. start() opens the UDP sockets and runs the
// door's and the workers' threads; everything here is called from the main thread, and every
// callback and event comes back on the main loop. relay/main and relay/control code against this
// file alone. A question that names what does not exist gets an empty answer, never none; answers
// that are still under way when the Relay is destroyed are dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "net/loop.h"
#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/leave_reason.h"
#include "proto/base/limits.h"
#include "proto/base/media.h"
#include "proto/base/name.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "relay/metrics.h"

namespace sluice::relay {

/// Rights of a ticket, as bits (P-TICKET-01).
using Rights = std::uint16_t;

// Options.

/// Of one room; 0: the relay's own limit.
struct RoomLimits {
  std::size_t members_max = 0;
  std::size_t streams_max = 0;
};

struct RelayLimits {
  std::size_t rooms_max = 4096;
  std::size_t links_per_worker_max = kLinksPerWorkerMax;
  std::size_t members_per_room_max = 10'000;
  std::size_t streams_per_room_max = 1000;
  std::size_t streams_per_member_max = 8;
};

enum class Placement : std::uint8_t {
  kLoad,        // the room's home, and further workers when a room or the home is full
  kRoundRobin,  // every link on the next worker: makes branches at once, for tests and benchmarks
};

struct RelayOptions {
  Address listen;           // as net::resolve_first() gives it; port 0: the kernel chooses
  std::size_t workers = 1;  // 1 .. kWorkersMax
  RelayLimits limits;
  bool loopback_only = false;  // handshakes from other addresses are dropped
  Placement placement = Placement::kLoad;
  /// Makes the tokens of RESET. Kept across restarts, clients of a killed relay notice at once;
  /// absent, a fresh one is drawn.
  std::optional<std::array<std::byte, 32>> reset_secret;
  bool segmentation = true;  // false: as if the kernel refused UDP_SEGMENT
  bool coalescing = true;    // false: as if the kernel refused UDP_GRO
};

// Answers.

struct RoomSnapshot {
  RoomName name;
  std::size_t members = 0, streams = 0, subscriptions = 0;
  std::size_t home_worker = 0, branches = 0;  // branches: workers besides the home
  Duration age{};
};

struct StreamSnapshot {
  StreamName name;
  std::size_t tracks = 0;
  std::uint64_t frames = 0, key_frames = 0, media_bytes = 0;
  std::size_t cached_parts = 0;
};

struct MemberSnapshot {
  UserName user;
  InstanceId instance{};
  Rights rights = 0;
  Address address;
  std::size_t worker = 0;
  Duration age{};
  Duration rtt{}, jitter{};
  double uplink_loss = 0, downlink_loss = 0;       // 0..1, over about 2 s
  std::uint64_t uplink_bps = 0, downlink_bps = 0;  // UDP payload, over about 1 s
  Duration queue{};                                // waiting for this member at its rate
  std::vector<StreamSnapshot> streams;             // pushed by it
  std::size_t subscriptions = 0;
};

/// The address with its host part removed, as logs and pages may show it: "192.0.2.x",
/// "2001:db8::x".
std::string masked_address(const Address& address);

// Events.

struct TrackInfo {
  std::uint8_t id = 0;  // the pusher's
  TrackKind kind{};
  std::uint32_t codec = 0;  // FourCC
  std::uint8_t rendition = 0;
};

struct RoomUp {
  RoomName room;
};

struct RoomDown {
  RoomName room;
};

struct MemberIn {
  RoomName room;
  UserName user;
  InstanceId instance{};
  Rights rights = 0;
};

struct MemberOut {
  RoomName room;
  UserName user;
  InstanceId instance{};
  LeaveReason reason{};
};

struct StreamUp {
  RoomName room;
  UserName user;
  StreamName stream;
  std::vector<TrackInfo> tracks;
};

struct StreamDown {
  RoomName room;
  UserName user;
  StreamName stream;
};

/// In the order in which the room's home decided them.
using RelayEvent = std::variant<RoomUp, RoomDown, MemberIn, MemberOut, StreamUp, StreamDown>;

// Tickets.

struct TicketRequest {
  RoomName room;
  UserName user;
  std::optional<InstanceId> instance;  // absent: one is drawn
  Rights rights = 0;
  std::uint32_t valid_s = 60;
  std::uint32_t rate_kbps = 0;  // 0: no limit
  std::uint32_t session_s = 0;  // 0: no limit
  bool several_instances = false;
};

/// What a client needs besides the relay's address and public key (P-TICKET-03).
struct IssuedTicket {
  std::vector<std::byte> ticket;
  std::array<std::byte, 32> psk{};
  UnixSeconds expiry;
};

// The relay.

class Relay {
 public:
  using EventSink = std::function<void(const RelayEvent&)>;

  /// Binds, attaches the steering program, starts the threads. The Failure names what the kernel
  /// refused and the cure. `main_loop` outlives the Relay.
  static Result<std::unique_ptr<Relay>, Failure> start(const RelayOptions& options,
                                                       net::Loop& main_loop, EventSink events);

  /// Closes every link (draining) without waiting for anything, stops and joins all threads.
  ~Relay();

  struct State;

  /// For start(): nobody else has a State.
  explicit Relay(std::unique_ptr<State> state);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Keys: made at start, in this process's memory only.
  Address address() const;  // bound
  std::span<const std::byte, 32> public_key() const;
  RelayKeyId key_id() const;
  std::span<const std::byte, 32> ticket_key() const;
  IssuedTicket issue_ticket(const TicketRequest& request) const;

  // Questions.
  void rooms(std::function<void(std::vector<RoomSnapshot>)> answer);
  void members(const RoomName& room, std::function<void(std::vector<MemberSnapshot>)> answer);

  // Orders. The answer says how many members or streams were touched.
  using Count = std::function<void(std::size_t)>;

  /// Closes the user's links (`kicked`) and voids every ticket for it made until now. No instance:
  /// all.
  void kick(const RoomName& room, const UserName& user, std::optional<InstanceId> instance,
            Count answer);

  /// Lifts what kick() left behind.
  void admit(const RoomName& room, const UserName& user, Count answer);

  /// Changes what the user's present links may do; streams that are no longer allowed end.
  void set_rights(const RoomName& room, const UserName& user, std::optional<InstanceId> instance,
                  Rights rights, Count answer);

  /// Remembers the limits for the room, open or not.
  void open_room(const RoomName& room, const RoomLimits& limits, Count answer);

  /// Closes every link of the room (`room closed`), voids its tickets made until now.
  void close_room(const RoomName& room, Count answer);

  /// Asks the stream's pusher for a key frame, at most one in 500 ms.
  void request_key(const RoomName& room, const StreamName& stream, Count answer);

  /// No new members from now on; links go with CLOSE draining, at `grace` from now at the latest.
  /// `done` is called when no link is left.
  void drain(Duration grace, std::function<void()> done);
  bool draining() const;

  // Metrics.
  const DoorMetrics& door_metrics() const;
  std::size_t worker_count() const;
  const WorkerMetrics& worker_metrics(std::size_t worker) const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace sluice::relay
