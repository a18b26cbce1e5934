#include "rooms/relay_view.h"

#include <algorithm>

#include "proto/crypto/encoding.h"

namespace sluice::rooms {

std::vector<std::byte> RelayView::request(schema::Message message) {
  schema::Envelope envelope;
  envelope.id = ++last_id_;
  envelope.kind = schema::Kind::kRequest;
  envelope.message = std::move(message);
  auto framed = schema::encode(envelope);
  return framed ? *std::move(framed) : std::vector<std::byte>{};
}

std::vector<std::byte> RelayView::handle_connected(std::uint64_t epoch) {
  reader_ = {};
  fresh_.clear();
  rooms_.clear();
  resyncing_ = true;
  ready_ = false;
  std::vector<std::byte> bytes = request(schema::Attach{epoch, "sluice-rooms"});
  // Without what was seen last: the whole state comes, which is the surest.
  const auto resync = request(schema::Resync{});
  bytes.insert(bytes.end(), resync.begin(), resync.end());
  return bytes;
}

Status<Failure> RelayView::handle_bytes(Bytes bytes) {
  for (;;) {
    const schema::FrameStep step = reader_.step(bytes);
    if (step.state == schema::FrameState::kNeedMore) return Done{};
    if (step.state == schema::FrameState::kTooLong) {
      return Unexpected{
          Failure{"a message of impossible length; is this a relay's control socket?"}};
    }
    // A message of a later version is none for us, and no reason to leave.
    if (const auto envelope = schema::decode(step.frame)) handle(*envelope);
  }
}

void RelayView::handle(const schema::Envelope& envelope) {
  if (const auto* hello = std::get_if<schema::Hello>(&envelope.message)) {
    hello_ = *hello;
  } else if (const auto* attached = std::get_if<schema::Attached>(&envelope.message)) {
    ticket_key_.reset();
    if (attached->active) ticket_key_.emplace(attached->ticket_key);
    if (!attached->active) ready_ = false;
  } else if (std::holds_alternative<schema::Resynced>(envelope.message)) {
    handle_resynced();
  } else if (envelope.kind == schema::Kind::kEvent) {
    handle_event(envelope.message);
  }
}

void RelayView::handle_event(const schema::Message& message) {
  if (const auto* up = std::get_if<schema::StreamUp>(&message)) return handle_stream_up(*up);
  if (const auto* up = std::get_if<schema::RoomUp>(&message); up != nullptr && resyncing_) {
    rooms_[up->room] = up->blob;
    return;
  }
  if (const auto* down = std::get_if<schema::StreamDown>(&message)) {
    return handle_stream_down({down->room, down->user}, down->stream);
  }
  if (const auto* out = std::get_if<schema::MemberOut>(&message)) {
    return handle_member_out({out->room, out->user});
  }
  if (const auto* down = std::get_if<schema::RoomDown>(&message)) {
    std::vector<Who> gone;
    for (const auto& [who, names] : streams_) {
      if (who.first == down->room) gone.push_back(who);
    }
    for (const Who& who : gone) handle_member_out(who);
  }
}

void RelayView::handle_stream_up(const schema::StreamUp& up) {
  const Who who{up.room, up.user};
  if (resyncing_) {
    fresh_[who].insert(up.stream);
    return;
  }
  auto& names = streams_[who];
  const bool first = names.empty();
  if (names.insert(up.stream).second) tell_stream(who, up.stream, true);
  if (first) tell(who, true);
}

void RelayView::handle_stream_down(const Who& who, const StreamName& stream) {
  Streams& streams = resyncing_ ? fresh_ : streams_;
  const auto at = streams.find(who);
  if (at == streams.end()) return;
  if (at->second.erase(stream) != 0 && !resyncing_) tell_stream(who, stream, false);
  if (!at->second.empty()) return;
  streams.erase(at);
  if (!resyncing_) tell(who, false);
}

/// Its streams may have been told of, or not: a user without links pushes nothing.
void RelayView::handle_member_out(const Who& who) {
  Streams& streams = resyncing_ ? fresh_ : streams_;
  const auto at = streams.find(who);
  if (at == streams.end()) return;
  const std::set<StreamName> ended = std::move(at->second);
  streams.erase(at);
  if (resyncing_) return;
  for (const StreamName& stream : ended) tell_stream(who, stream, false);
  tell(who, false);
}

void RelayView::handle_resynced() {
  if (!resyncing_) return;
  resyncing_ = false;
  const Streams before = std::exchange(streams_, std::exchange(fresh_, {}));
  for (const auto& [who, names] : before) {
    if (streams_.count(who) == 0) tell(who, false);
  }
  for (const auto& [who, names] : streams_) {
    if (before.count(who) == 0) tell(who, true);
  }
  tell_difference(before, streams_, false);
  tell_difference(streams_, before, true);
  ready_ = ticket_key_.has_value();
  resynced_ = true;
}

void RelayView::handle_lost() {
  ready_ = false;
  ticket_key_.reset();
  resyncing_ = false;
}

void RelayView::tell(const Who& who, bool publishing) {
  // A name longer than ours was not given by us.
  const auto user = UserId::parse(who.second.view());
  if (user) changes_.push_back({who.first, *user, publishing});
}

void RelayView::tell_stream(const Who& who, const StreamName& stream, bool up) {
  const auto user = UserId::parse(who.second.view());
  if (user) stream_changes_.push_back({who.first, *user, stream, up});
}

/// What is in `here` and not in `there`.
void RelayView::tell_difference(const Streams& here, const Streams& there, bool up) {
  for (const auto& [who, names] : here) {
    const auto other = there.find(who);
    for (const StreamName& stream : names) {
      if (other == there.end() || other->second.count(stream) == 0) tell_stream(who, stream, up);
    }
  }
}

std::optional<RelayAccess> RelayView::access(const RoomId& room, const UserId& user,
                                             crypto::Rights rights, UnixSeconds now) const {
  const auto name = UserName::parse(user.view());
  if (!ready_ || !hello_ || !ticket_key_ || !name) return std::nullopt;
  crypto::Ticket ticket;
  random_(ticket.jti);
  ticket.not_before = now;
  ticket.expiry = {now.value + kTicketSeconds};
  ticket.relay = hello_->relay_key_id;
  ticket.instance = InstanceId{random_.u64()};
  ticket.rights = rights;
  ticket.psk = crypto::Psk::random(random_);
  ticket.room = room;
  ticket.user = *name;
  const crypto::SealedTicket sealed = crypto::seal_ticket(*ticket_key_, ticket, random_);
  return RelayAccess{hello_->address, crypto::to_hex(hello_->relay_key),
                     crypto::to_hex(sealed.view()), crypto::to_hex(ticket.psk.bytes()),
                     ticket.expiry.value};
}

std::vector<std::pair<UserId, StreamName>> RelayView::streams_of(const RoomId& room) const {
  std::vector<std::pair<UserId, StreamName>> result;
  for (auto at = streams_.lower_bound({room, {}}); at != streams_.end() && at->first.first == room;
       ++at) {
    const auto user = UserId::parse(at->first.second.view());
    if (!user) continue;  // not given by us
    for (const StreamName& stream : at->second) result.emplace_back(*user, stream);
  }
  return result;
}

std::size_t RelayView::stream_count() const {
  std::size_t count = 0;
  for (const auto& [who, names] : streams_) count += names.size();
  return count;
}

}  // namespace sluice::rooms
