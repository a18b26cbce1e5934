// Room: one worker's branch of a room; the home has one like all others. It owns the members whose
// links live here and a Stream for each stream of the whole room, takes what the links bring
// (events) and what the home has decided (mail), and forwards media. No member's input reaches
// another room: streams are found through the member's own room alone.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/link/link.h"
#include "proto/wire/application_message.h"
#include "proto/wire/room_message.h"
#include "relay/metrics.h"
#include "relay/relay.h"
#include "relay/room/allocator.h"
#include "relay/room/home.h"
#include "relay/room/member.h"
#include "relay/stream/stream.h"
#include "relay/worker/courier.h"

namespace sluice::relay {

/// What a worker lends its rooms.
struct RoomContext {
  Courier& courier;
  ActiveMembers& active;
  WorkerMetrics& metrics;
  std::vector<RoomId>& dirty_rooms;  // those whose end_turn() must be called
  std::size_t streams_per_member_max = 0;
  std::uint64_t pacer_bits_per_s = kPacerBitsPerSecond;
};

struct RoomOpening {
  RoomId id{};
  RoomName name;
  WorkerIndex home{};
  std::size_t streams_max = 0;
};

class Room {
 public:
  Room(const RoomOpening& opening, RoomContext& context, Instant now);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  // Members.

  /// A link that was accepted and has sent nothing yet.
  Member& add_member(Instant now, NewLink&& accepted, RandomSource random);

  /// One event of a member's link. After Closed the caller erases the member.
  void handle_event(Instant now, Member& member, const link::Event& event);

  /// Says CLOSE; the member is out of the room at once, its link ends some packets later.
  void close_member(Instant now, Member& member, link::CloseCode code, LeaveReason reason);
  void erase_member(Member& member);

  // From the home and from other branches.

  void handle(Instant now, const MemberEntered& mail);
  void handle(Instant now, const MemberLeft& mail);
  void handle(Instant now, const StreamOpened& mail);
  void handle(Instant now, const StreamClosed& mail);
  void handle(Instant now, const StreamRefused& mail);
  void handle(Instant now, const AppDelivery& mail);
  void handle(Instant now, const StreamWanted& mail);
  void handle(Instant now, const KeyWanted& mail);
  void handle(Instant now, const PatienceTold& mail);

  /// A part of a stream whose origin is another worker.
  void handle_handover(Instant now, const HandoverPart& part);

  // Time.

  /// After everything of a turn: forwards what was collected, asks for key frames, reports to
  /// pushers.
  void end_turn(Instant now);

  /// Every kRoomTick: rates, sessions, patience.
  void tick(Instant now);

  /// Every kAllocationTick: what each link's subscriptions get of it.
  void allocate_links(Instant now);

  // Orders and answers.

  std::size_t request_key(Instant now, const StreamName& stream);
  std::size_t set_rights(Instant now, const AskRights& ask);
  RoomSnapshot snapshot(Instant now) const;
  void add_members_to(std::vector<MemberSnapshot>& out, Instant now) const;

  /// Present only at the home's worker, from the first Join on.
  RoomHome* home_part() { return home_part_.get(); }

  RoomHome& make_home_part();

  RoomId id() const { return opening_.id; }

  const RoomName& name() const { return opening_.name; }

  WorkerIndex home() const { return opening_.home; }

  std::size_t local_members() const { return members_.size(); }

 private:
  /// Someone of the room, wherever the link is.
  struct KnownMember {
    UserName user;
    crypto::Rights rights;
    std::uint64_t order = 0;
  };

  // Links' events (room.cpp).
  void handle_established(Instant now, Member& member);
  void handle_media(Instant now, Member& member, const link::MediaArrived& media);
  void handle_message(Instant now, Member& member, const link::MessageArrived& message);
  void handle_closed(Member& member, const link::Closed& closed);
  void leave(Member& member, LeaveReason reason, link::CloseCode code);

  // Messages of members (requests.cpp).
  void become_present(Instant now, Member& member);
  void handle_early_bytes(Instant now, Member& member);
  void handle_room_message(Instant now, Member& member, const wire::MessageView& message);
  void handle_application_message(Instant now, Member& member, const wire::MessageView& message);
  void handle_request(Instant now, Member& member, const wire::Push& push);
  void handle_request(Instant now, Member& member, const wire::Unpush& unpush);
  void handle_request(Instant now, Member& member, const wire::Subscribe& subscribe);
  void handle_request(Instant now, Member& member, const wire::Unsubscribe& unsubscribe);
  wire::AnswerStatus check_push(const Member& member, const wire::Push& push) const;
  void send(Instant now, Member& member, const wire::RoomMessage& message);

  // Subscriptions (subscriptions.cpp).
  void match(Instant now, Member& member, Stream& stream);
  /// With the rules that hold when the turn ends: however often they change in it, each
  /// subscription starts once, which takes a walk over the cached media.
  void match_later(const Member& member);
  void allocate(Instant now, Member& member);
  void detach(Member& member, Stream& stream);
  void detach_all(Member& member);
  void after_detach(Stream& stream);

  Member* find_member(ConnectionId connection);
  Stream* find_stream(wire::StreamHandle handle);

  bool is_origin(const Stream& stream) const {
    return stream.identity().origin == context_.courier.self();
  }

  void mark_dirty(Stream& stream);
  void settle_ended(Instant now, Stream& stream);
  /// Whoever still has it is told that it is down.
  void remove_stream(Instant now, Stream& stream);
  void send_key_requests(Instant now, Stream& stream);
  void report_to_pusher(Instant now, Stream& stream);
  MemberSnapshot snapshot_of(const Member& member, Instant now) const;

  RoomOpening opening_;
  RoomContext& context_;
  Instant since_;
  std::unique_ptr<RoomHome> home_part_;
  std::unordered_map<ConnectionId, std::unique_ptr<Member>> members_;
  std::unordered_map<ConnectionId, KnownMember> known_;
  std::uint64_t next_order_ = 0;
  std::map<wire::StreamHandle, std::unique_ptr<Stream>> streams_;
  /// Branches that asked for a stream before the home's word of it came here.
  std::set<std::pair<wire::StreamHandle, WorkerIndex>> wanted_early_;
  std::vector<Stream*> dirty_, dirty_taken_;
  Allocator allocator_;
  std::set<ConnectionId> to_match_;  // members whose rules changed in this turn
};

/// Half makes session ends and patience more exact and costs twice; double does the reverse.
inline constexpr Duration kRoomTick = std::chrono::milliseconds{500};

}  // namespace sluice::relay
