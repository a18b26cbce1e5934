// Directory: which rooms there are, where their links live, and where the next one goes. The door
// owns it; it is the one place that knows every link of the relay. Connection ids are made here: a
// slot of the chosen worker is free again when the room's home has said that its link is gone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/name.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/crypto/handshake.h"
#include "proto/crypto/ticket.h"
#include "relay/metrics.h"
#include "relay/relay.h"
#include "relay/worker/mail.h"
#include "relay/worker/worker.h"

namespace sluice::relay {

/// A room's links stay together on its home up to this number; beyond it they go where there is
/// least to do. Half makes branches, and copies of each part, sooner; double lets one room fill a
/// worker first.
inline constexpr std::size_t kHomeLinksPreferred = 32;

/// A home busier than this (of one second) takes no further links of its rooms.
inline constexpr std::uint64_t kHomeBusyPermille = 600;

struct DoorRoom {
  RoomId id{};
  RoomName name;
  WorkerIndex home{};
  RoomLimits limits;  // 0 replaced by the relay's own
  std::unordered_multimap<UserName, ConnectionId> links;
  std::array<std::uint32_t, kWorkersMax> links_on{};
  std::uint32_t workers_used = 0;  // bits: those that have heard of the room
};

struct DoorLink {
  ConnectionId connection{};
  DoorRoom* room = nullptr;
  UserName user;
  InstanceId instance{};
  TicketId jti{};
  std::uint32_t answer = UINT32_MAX;  // index of the stored ACCEPT while half-open
};

class Directory {
 public:
  struct Options {
    std::size_t workers = 1;
    RelayLimits limits;
    Placement placement = Placement::kLoad;
    std::uint64_t connection_mask = 0;
    std::uint8_t generation = 0;
    RandomSource random;
  };

  explicit Directory(const Options& options);

  /// What admission says to this ticket: kAccepted, kRoomFull, kRelayFull or kUserPresent.
  crypto::HandshakeStatus admit(const crypto::Ticket& ticket) const;

  /// Opens the room if need be and gives the link a place. Only after admit() said kAccepted;
  /// nothing when no worker has a slot left.
  DoorLink* place(const crypto::Ticket& ticket);

  struct Erased {
    DoorLink link;
    std::optional<RoomId> room_ended;
    std::uint32_t workers_used = 0;  // of the ended room
  };

  /// The link's slot is free. Nothing for an id that is not in use.
  std::optional<Erased> erase(ConnectionId connection);

  DoorLink* find(ConnectionId connection);
  DoorRoom* find_room(const RoomName& name);

  /// Remembers the limits for the room, open or not.
  void set_limits(const RoomName& name, const RoomLimits& limits);

  void forget_limits(const RoomName& name) { limits_.erase(name); }

  /// How busy a worker was over the last second.
  void set_busy(std::size_t worker, std::uint64_t permille) { workers_[worker].busy = permille; }

  std::size_t links() const { return links_; }

  std::size_t rooms() const { return rooms_.size(); }

 private:
  struct WorkerSlots {
    std::vector<std::unique_ptr<DoorLink>> links;  // by slot
    std::deque<std::uint32_t> free;                // oldest first: reused as late as possible
    std::size_t used = 0;
    std::uint64_t busy = 0;
  };

  static constexpr std::size_t kConfiguredRoomsMax = 1U << 16U;

  RoomLimits limits_for(const RoomName& name) const;
  std::optional<std::size_t> choose_worker(const DoorRoom* room);
  std::optional<std::size_t> least_loaded() const;
  bool has_slot(std::size_t worker) const;
  DoorRoom& open(const RoomName& name, std::size_t home);
  ConnectionId make_id(std::size_t worker, std::uint32_t slot);

  Options options_;
  std::vector<WorkerSlots> workers_;
  std::unordered_map<RoomName, std::unique_ptr<DoorRoom>> rooms_;
  std::unordered_map<RoomName, RoomLimits> limits_;
  std::uint64_t next_room_ = 1;
  std::size_t next_worker_ = 0;
  std::size_t links_ = 0;
};

}  // namespace sluice::relay
