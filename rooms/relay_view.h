// RelayView: what the room service knows of one relay, from the messages of its control socket:
// who it is, the key its tickets are sealed with, and who pushes in which room. Sans-I/O: bytes in,
// bytes out; RelayConnection moves them. A relay that is lost keeps its streams until it is back
// and its Resync says otherwise, so that a restart of either side ends nobody's membership.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/crypto/ticket.h"
#include "proto/schema/control.h"
#include "rooms/api.h"

namespace sluice::rooms {

/// Validity of a ticket that comes with an address: time to start an encoder.
inline constexpr std::int64_t kTicketSeconds = 60;

/// A user's streams in a room began, or all ended.
struct MediaChange {
  RoomId room;
  UserId user;
  bool publishing = false;
};

/// One stream came or went.
struct StreamChange {
  RoomId room;
  UserId user;
  StreamName stream;
  bool up = false;
};

class RelayView {
 public:
  explicit RelayView(RandomSource random) : random_(random) {}

  /// A connection is made. The answer goes to the relay: Attach and Resync.
  std::vector<std::byte> handle_connected(std::uint64_t epoch);

  /// Fails when the other end does not speak this protocol: the connection is to be closed.
  Status<Failure> handle_bytes(Bytes bytes);

  void handle_lost();

  std::vector<MediaChange> take_changes() { return std::exchange(changes_, {}); }

  std::vector<StreamChange> take_stream_changes() { return std::exchange(stream_changes_, {}); }

  /// True once after each Resync: everything the relay has was told.
  bool take_resynced() { return std::exchange(resynced_, false); }

  /// The rooms that the last Resync told of, with their blobs.
  std::map<RoomId, std::vector<std::byte>> take_rooms() { return std::exchange(rooms_, {}); }

  /// The bytes of an order to the relay: CloseRoom, Kick and the like.
  std::vector<std::byte> order(schema::Message message) { return request(std::move(message)); }

  /// Nothing until the relay has said who it is and takes our orders.
  std::optional<RelayAccess> access(const RoomId& room, const UserId& user, crypto::Rights rights,
                                    UnixSeconds now) const;

  /// What is pushed in a room now, as its users and their streams.
  std::vector<std::pair<UserId, StreamName>> streams_of(const RoomId& room) const;

  /// Attached, active and resynchronised.
  bool ready() const { return ready_; }

  /// HOST:PORT for clients; empty until it was said.
  const std::string& address() const { return hello_ ? hello_->address : none_; }

  std::size_t stream_count() const;

 private:
  using Who = std::pair<RoomName, UserName>;
  using Streams = std::map<Who, std::set<StreamName>>;

  void handle(const schema::Envelope& envelope);
  void handle_event(const schema::Message& message);
  void handle_stream_up(const schema::StreamUp& up);
  void handle_stream_down(const Who& who, const StreamName& stream);
  void handle_member_out(const Who& who);
  void handle_resynced();
  void tell(const Who& who, bool publishing);
  void tell_stream(const Who& who, const StreamName& stream, bool up);
  void tell_difference(const Streams& here, const Streams& there, bool up);
  std::vector<std::byte> request(schema::Message message);

  RandomSource random_;
  schema::FrameReader reader_;
  std::uint64_t last_id_ = 0;
  std::optional<schema::Hello> hello_;
  std::optional<crypto::TicketKey> ticket_key_;
  bool resyncing_ = false;
  bool ready_ = false;
  bool resynced_ = false;
  std::map<RoomId, std::vector<std::byte>> rooms_;
  Streams streams_;  // as told to the store
  Streams fresh_;    // while a Resync lists them
  std::vector<MediaChange> changes_;
  std::vector<StreamChange> stream_changes_;
  std::string none_;
};

}  // namespace sluice::rooms
