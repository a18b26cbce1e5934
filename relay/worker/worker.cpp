#include "relay/worker/worker.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "proto/wire/packet.h"

namespace sluice::relay {

namespace {

/// Parts taken from other workers in one turn: 0.3 ms of work, so that own links are not kept
/// waiting.
constexpr std::size_t kHandoverPartsPerTurn = 512;

/// Mail that found a full ring is tried again after this.
constexpr Duration kMailRetry = std::chrono::milliseconds{1};

constexpr std::size_t kPendingResetsMax = 16;

template <class M>
RoomId room_of(const M& mail) {
  return mail.room;
}

RoomId room_of(const AppDelivery& mail) { return mail.message.room; }

}  // namespace

Worker::Worker(const WorkerOptions& options, Switchboard& switchboard, WorkerMetrics& metrics,
               Instant now)
    : options_(options),
      switchboard_(switchboard),
      metrics_(metrics),
      courier_(switchboard, options.self),
      context_{courier_,
               active_,
               metrics,
               dirty_rooms_,
               options.limits.streams_per_member_max,
               options.pacer_bits_per_s},
      arena_memory_(kWorkerArenaBytes),
      arena_(arena_memory_),
      reset_tokens_at_(now) {}

Worker::~Worker() = default;

void Worker::handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                             std::uint8_t ecn) {
  metrics_.in.add(PacketKind::kData, datagram.size());
  const Result<wire::PacketType> type = wire::classify(datagram, wire::Direction::kToRelay);
  if (!type) return metrics_.drop(type.error());
  if (*type != wire::PacketType::kData) return metrics_.drop(DropReason::kUnknownType);
  const ConnectionId id = wire::read_data_header(datagram, wire::Direction::kToRelay).connection;
  Member* member = find_link(id);
  if (member == nullptr) {
    // A client answers its ACCEPT at once: its first DATA may overtake the door's mail in the poll.
    handle_mail(now);
    member = find_link(id);
  }
  if (member == nullptr) {
    metrics_.drop(DropReason::kUnknownConnection);
    return reset_stranger(now, id, from);
  }
  if (!member->link().handle_datagram(now, datagram, from, ecn)) member->count_drops(metrics_);
  member->touch();
  drain_events(now, *member);
}

void Worker::prefetch(Bytes datagram, Ahead ahead) {
  if (datagram.size() < kDataHeaderToRelayBytes) return;
  const ConnectionId id = wire::read_data_header(datagram, wire::Direction::kToRelay).connection;
  if (const Member* member = find_link(id); member != nullptr) member->link().prefetch(ahead);
}

void Worker::handle_mail(Instant now) {
  while (const std::unique_ptr<Mail> mail = switchboard_.take(party_of(options_.self))) {
    metrics_.mail_in.add();
    handle_one(now, *mail);
  }
  handle_handovers(now);
}

void Worker::handle_handovers(Instant now) {
  more_input_ = false;
  std::size_t left = kHandoverPartsPerTurn;
  for (std::size_t from = 0; from < switchboard_.workers(); ++from) {
    HandoverRing& ring =
        switchboard_.handover(WorkerIndex{static_cast<std::uint8_t>(from)}, options_.self);
    for (HandoverPart* part = ring.front(); part != nullptr; part = ring.front()) {
      if (left == 0) {
        more_input_ = true;
        break;
      }
      --left;
      if (Room* room = find_room(part->room); room != nullptr) {
        room->handle_handover(now, *part);
      } else {
        metrics_.drop(DropReason::kUnknownTrack);
      }
      ring.pop();
    }
  }
}

void Worker::handle_one(Instant now, Mail& mail) {
  std::visit(
      [&](auto& m) {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, NewLink>) {
          handle(now, std::move(m));
        } else if constexpr (requires { this->handle(now, m); }) {
          handle(now, m);
        } else if constexpr (requires(Room & room) { room.handle(now, m); }) {
          if (Room* room = find_room(room_of(m)); room != nullptr) room->handle(now, m);
        } else if constexpr (requires(RoomHome & home) { home.handle(m); }) {
          if (Room* room = find_room(m.room); room != nullptr && room->home_part() != nullptr) {
            room->home_part()->handle(m);
          }
        } else {
          CHECK(false);  // mail for the door or the main thread: a wrong address is our bug
        }
      },
      mail);
}

void Worker::handle(Instant now, NewLink&& mail) {
  Room& room = room_for(now, {mail.room, mail.room_name, mail.home, mail.streams_max});
  const ConnectionId connection = mail.pass.connection;
  const std::size_t slot =
      wire::connection_fields(connection, options_.secrets->connection_mask).slot;
  if (slot >= slots_.size()) slots_.resize(std::max(slot + 1, slots_.size() * 2));
  DCHECK(slots_[slot].member == nullptr);
  Member& member = room.add_member(now, std::move(mail), options_.random);
  slots_[slot] = {connection, &member};
  ++links_;
  metrics_.links.add();
}

void Worker::handle(Instant, const DoubtAddress& mail) {
  if (Member* member = find_link(mail.connection); member != nullptr) {
    member->link().doubt_address();
  }
}

void Worker::handle(Instant now, const CloseLink& mail) {
  Member* member = find_link(mail.connection);
  if (member == nullptr) return;
  if (member->state() == Member::State::kHalfOpen) {
    member->set_state(Member::State::kLeaving);
    return erase_link(*member);
  }
  member->room().close_member(now, *member, mail.code, mail.reason);
}

void Worker::handle(Instant, const RoomEnd& mail) {
  const auto found = rooms_.find(mail.room);
  if (found == rooms_.end()) return;
  DCHECK(found->second->local_members() == 0);
  if (RoomHome* home = found->second->home_part(); home != nullptr) home->end();
  rooms_.erase(found);
}

void Worker::handle(Instant now, const CloseAll&) {
  for (const Slot& slot : slots_) {
    if (slot.member == nullptr) continue;
    handle(now, CloseLink{slot.connection, link::CloseCode::kDraining, LeaveReason::kDraining});
  }
}

void Worker::handle(Instant now, const Join& mail) {
  Room& room = room_for(now, {mail.room, mail.room_name, options_.self, mail.streams_max});
  room.make_home_part().handle(mail);
}

void Worker::handle(Instant, const LinkGone& mail) { courier_.to_door(mail); }

void Worker::handle(Instant now, const AskRooms& mail) {
  std::vector<RoomSnapshot> rooms;
  for (const auto& [id, room] : rooms_) rooms.push_back(room->snapshot(now));
  courier_.to_main(Answer{mail.id, std::move(rooms)});
}

void Worker::handle(Instant now, const AskMembers& mail) {
  std::vector<MemberSnapshot> members;
  for (const auto& [id, room] : rooms_) {
    if (room->name() == mail.room) room->add_members_to(members, now);
  }
  courier_.to_main(Answer{mail.id, std::move(members)});
}

void Worker::handle(Instant now, const AskKey& mail) {
  std::size_t asked = 0;
  for (const auto& [id, room] : rooms_) {
    if (room->name() == mail.room) asked += room->request_key(now, mail.stream);
  }
  courier_.to_main(Answer{mail.id, asked});
}

void Worker::handle(Instant now, const AskRights& mail) {
  std::size_t touched = 0;
  for (const auto& [id, room] : rooms_) {
    if (room->name() == mail.room) touched += room->set_rights(now, mail);
  }
  courier_.to_main(Answer{mail.id, touched});
}

void Worker::handle_timeout(Instant now) {
  while (Member* member = timers_.pop_due(now)) {
    member->link().handle_timeout(now);
    member->touch();
    drain_events(now, *member);
  }
  if (now >= next_allocation_) {
    next_allocation_ = rooms_.empty() ? kNever : now + kAllocationTick;
    for (const auto& [id, room] : rooms_) room->allocate_links(now);
  }
  if (now < next_tick_) return;
  next_tick_ = rooms_.empty() ? kNever : now + kRoomTick;
  for (const auto& [id, room] : rooms_) room->tick(now);
}

void Worker::end_turn(Instant now) {
  do {
    while (const std::unique_ptr<Mail> mail = courier_.take_local()) handle_one(now, *mail);
    std::swap(dirty_rooms_, dirty_taken_);
    for (const RoomId id : dirty_taken_) {
      if (Room* room = find_room(id); room != nullptr) room->end_turn(now);
    }
    dirty_taken_.clear();
  } while (courier_.has_local() || !dirty_rooms_.empty());
  retry_at_ = switchboard_.flush(party_of(options_.self)) ? now + kMailRetry : kNever;
  if (more_input_) retry_at_ = now;
}

void Worker::flush(Instant now, const WorkerOutput& output) {
  for (PendingReset& reset : resets_) {
    output.send(link::Transmit{reset.to, reset.bytes, kResetBytes, 1});
    metrics_.out.add(PacketKind::kReset, kResetBytes);
    metrics_.resets_sent.add();
  }
  if (!resets_.empty()) output.flush();
  resets_.clear();
  std::swap(active_.members(), flushing_);
  const std::size_t count = flushing_.size();
  const auto at = [&](std::size_t i) -> Member& { return *flushing_[(i + rotation_) % count]; };
  // What a member leads to is asked for while others are sealed, step by step.
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 3 < count) at(i + 3).prefetch();
    if (i + 2 < count) at(i + 2).link().prefetch(Ahead::kFar);
    if (i + 1 < count) at(i + 1).link().prefetch(Ahead::kNear);
    flush_member(now, at(i), output);
  }
  flushing_.clear();
  ++rotation_;
  output.flush();
  arena_.clear();
}

void Worker::flush_member(Instant now, Member& member, const WorkerOutput& output) {
  member.clear_active();
  while (const auto run = member.link().poll_transmit(now, arena_, kRunPacketsMax)) {
    output.send(*run);
    metrics_.out.add(PacketKind::kData, run->bytes.size(), run->count);
    if (!arena_.has_room_for(kRunPacketsMax)) {
      output.flush();
      arena_.clear();
    }
  }
  timers_.set(member.timer, member.link().next_deadline());
  // What sending brought about, the last CLOSE for one. The member may be gone afterwards.
  drain_events(now, member);
}

Instant Worker::next_deadline() const {
  return std::min({timers_.next(), next_tick_, next_allocation_, retry_at_});
}

bool Worker::take_forwarded() {
  const std::uint64_t now = metrics_.parts_forwarded.value();
  return std::exchange(forwarded_seen_, now) != now;
}

Room& Worker::room_for(Instant now, const RoomOpening& opening) {
  std::unique_ptr<Room>& room = rooms_[opening.id];
  if (room == nullptr) room = std::make_unique<Room>(opening, context_, now);
  if (next_tick_ == kNever) next_tick_ = now + kRoomTick;
  if (next_allocation_ == kNever) next_allocation_ = now + kAllocationTick;
  return *room;
}

Room* Worker::find_room(RoomId id) {
  const auto found = rooms_.find(id);
  return found == rooms_.end() ? nullptr : found->second.get();
}

std::optional<link::LinkStats> Worker::link_stats(ConnectionId connection) {
  Member* member = find_link(connection);
  return member == nullptr ? std::nullopt : std::optional{member->link().stats()};
}

Member* Worker::find_link(ConnectionId connection) {
  const std::size_t slot =
      wire::connection_fields(connection, options_.secrets->connection_mask).slot;
  if (slot >= slots_.size() || slots_[slot].connection != connection) return nullptr;
  return slots_[slot].member;
}

void Worker::drain_events(Instant now, Member& member) {
  bool closed = false;
  while (const auto event = member.link().poll_event()) {
    closed = closed || std::holds_alternative<link::Closed>(*event);
    member.room().handle_event(now, member, *event);
  }
  if (closed) return erase_link(member);
  member.send_backlog();
}

void Worker::erase_link(Member& member) {
  const ConnectionId connection = member.connection();
  const std::size_t slot =
      wire::connection_fields(connection, options_.secrets->connection_mask).slot;
  slots_[slot] = {};
  timers_.remove(member.timer);
  courier_.to_worker(member.room().home(), LinkGone{connection});
  member.room().erase_member(member);
  --links_;
  metrics_.links.subtract();
}

void Worker::reset_stranger(Instant now, ConnectionId connection, const Address& to) {
  const double share = kResetsPerSecond / static_cast<double>(switchboard_.workers() + 1);
  const double grown =
      reset_tokens_ + static_cast<double>((now - reset_tokens_at_).count()) * share / 1e6;
  reset_tokens_ = std::min(grown, std::max(share, 1.0));
  reset_tokens_at_ = now;
  if (reset_tokens_ < 1 || resets_.size() == kPendingResetsMax) return;
  reset_tokens_ -= 1;
  const ResetToken token = crypto::derive_reset_token(options_.secrets->reset, connection);
  resets_.push_back({to, wire::write_reset({connection, token})});
}

}  // namespace sluice::relay
