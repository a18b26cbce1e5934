// RelayDirectory: the relays of this service and which room is at which. A room is placed on the
// attached relay with the least to do when somebody first wants its media, and stays there; the
// journal keeps it. What a relay reports after it was away is held against the journal, which is
// right. Sans-I/O: views in, orders out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rooms/reach.h"
#include "rooms/relay_view.h"
#include "rooms/room_store.h"

namespace sluice::rooms {

/// Rooms that got an address before there was such a room. Half forgets them within seconds of a
/// storm, and their members get other relays; each has 100 bytes.
inline constexpr std::size_t kPlacedAheadMax = 4096;

class RelayDirectory {
 public:
  /// An order to one relay.
  struct Order {
    std::size_t relay;
    schema::Message message;
  };

  explicit RelayDirectory(RoomStore& store) : store_(store) {}

  /// `name` is in the journal: the path of its control socket. `view` outlives this.
  void add(std::string name, std::string public_address, RelayView& view);

  struct Asker {
    RoomId room;
    UserId user;
    crypto::Rights rights;
    std::string_view http_host;
    Address client;
  };

  struct Access {
    RelayAccess relay;
    bool doubtful = false;  // see Reach
  };

  /// Places the room where it is not yet. Nothing while its relay is away, or none is attached.
  std::optional<Access> access(const Asker& asker, UnixSeconds now);

  std::vector<std::pair<UserId, StreamName>> streams_of(const RoomId& room) const;

  void kick(const RoomId& room, const UserId& user);
  void set_rights(const RoomId& room, const UserId& user, crypto::Rights rights);

  /// The room is gone from the store; `relay` is where it was placed.
  void close(const RoomId& room, const std::string& relay);

  /// The relay is back and has told all it has: what the journal does not know is closed there, and
  /// what the relay forgot it hears again. How many rooms it had that are no more.
  std::size_t handle_resynced(std::size_t relay);

  std::vector<Order> take_orders() { return std::exchange(orders_, {}); }

 private:
  struct Relay {
    std::string name, public_address;
    RelayView* view;
    std::size_t rooms = 0;  // placed there by this process
  };

  std::optional<std::size_t> index_of(std::string_view name) const;
  std::optional<std::size_t> relay_of(const RoomId& room) const;
  std::optional<std::size_t> place(const RoomId& room);
  std::optional<std::size_t> least_loaded() const;
  void open(const Room& room, std::size_t relay);

  RoomStore& store_;
  std::vector<Relay> relays_;
  std::map<RoomId, std::size_t> ahead_;
  std::deque<RoomId> ahead_order_;
  std::vector<Order> orders_;
};

/// What a relay keeps for us with a room, to be held against the journal.
std::vector<std::byte> room_blob(const Room& room);

/// Whether a blob is one of ours; others may use the relay as well.
bool is_room_blob(Bytes blob);

}  // namespace sluice::rooms
