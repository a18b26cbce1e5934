#include "relay/room/room.h"

#include <algorithm>
#include <type_traits>

#include "proto/wire/feedback.h"
#include "relay/room/rights.h"

namespace sluice::relay {

namespace {

/// What a link's recovery did since `last`.
void count_recovery(WorkerMetrics& metrics, const link::LinkStats& now,
                    const link::LinkStats& last) {
  metrics.parts_retransmitted.add(now.parts_retransmitted - last.parts_retransmitted);
  metrics.packets_lost.add(now.packets_lost - last.packets_lost);
  metrics.packets_late.add(now.packets_late - last.packets_late);
  metrics.packets_missing.add(now.packets_missing - last.packets_missing);
  metrics.repairs_in.add(now.repairs_received - last.repairs_received);
  metrics.repairs_out.add(now.repairs_sent - last.repairs_sent);
  metrics.parts_revived.add(now.parts_revived - last.parts_revived);
  metrics.feedback_bytes_out.add(now.feedback_bytes_sent - last.feedback_bytes_sent);
  for (std::size_t i = 0; i < link::kMissClasses; ++i) {
    metrics.frames_watched[i].add(now.misses[i].frames - last.misses[i].frames);
    metrics.frames_missed[i].add(now.misses[i].missed - last.misses[i].missed);
  }
}

LeaveReason reason_of(const link::Closed& closed) {
  switch (closed.code) {
    case link::CloseCode::kDone:
    case link::CloseCode::kReset:
      return LeaveReason::kLeft;
    case link::CloseCode::kReplaced:
      return LeaveReason::kReplaced;
    case link::CloseCode::kKicked:
      return LeaveReason::kKicked;
    case link::CloseCode::kRoomClosed:
      return LeaveReason::kRoomClosed;
    case link::CloseCode::kDraining:
      return LeaveReason::kDraining;
    case link::CloseCode::kIdle:
      return LeaveReason::kIdle;
    case link::CloseCode::kProtocolError:
    case link::CloseCode::kNotAllowed:
    case link::CloseCode::kTooSlow:
    case link::CloseCode::kKeyLimit:
      return closed.by_peer ? LeaveReason::kLeft : LeaveReason::kMisbehaved;
    case link::CloseCode::kRelayError:
      return LeaveReason::kUnreachable;
  }
  return LeaveReason::kLeft;
}

}  // namespace

Room::Room(const RoomOpening& opening, RoomContext& context, Instant now)
    : opening_(opening), context_(context), since_(now) {
  context_.metrics.branches.add();
}

Room::~Room() {
  // Streams first: their subscriptions point at members.
  streams_.clear();
  context_.metrics.branches.subtract();
}

Member& Room::add_member(Instant now, NewLink&& accepted, RandomSource random) {
  link::LinkSetup setup;
  setup.role = link::Role::kRelay;
  setup.suite = accepted.suite;
  setup.send_secret = std::move(accepted.secrets.relay_to_client);
  setup.receive_secret = std::move(accepted.secrets.client_to_relay);
  setup.connection_id = accepted.pass.connection;
  setup.reset_token = accepted.reset_token;
  setup.peer = accepted.peer;
  setup.random = random;
  setup.pacer_bits_per_s = context_.pacer_bits_per_s;
  setup.early_room_bytes = static_cast<std::uint32_t>(accepted.early_room_bytes.size());
  auto member = std::make_unique<Member>(*this, std::move(accepted.pass), std::move(setup),
                                         context_.active, now);
  const Bytes early = accepted.early_room_bytes.view();
  member->early_room_bytes.assign(early.begin(), early.end());
  member->touch();
  Member& added = *member;
  members_.emplace(added.connection(), std::move(member));
  return added;
}

void Room::handle_event(Instant now, Member& member, const link::Event& event) {
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, link::Established>) {
          handle_established(now, member);
        } else if constexpr (std::is_same_v<E, link::MediaArrived>) {
          handle_media(now, member, e);
        } else if constexpr (std::is_same_v<E, link::MessageArrived>) {
          handle_message(now, member, e);
        } else if constexpr (std::is_same_v<E, link::KeyRequested>) {
          context_.metrics.key_requests_in.add();
          const Member::EgressTrack* track = member.egress(e.track);
          if (track == nullptr) return context_.metrics.drop(DropReason::kUnknownTrack);
          track->subscription->stream().want_key(now, track->index);
          mark_dirty(track->subscription->stream());
        } else if constexpr (std::is_same_v<E, link::Skipped>) {
          const Member::IngressTrack* track = member.ingress(e.track);
          if (track == nullptr) return context_.metrics.drop(DropReason::kUnknownTrack);
          track->stream->skip(track->index, e.from, e.to);
          mark_dirty(*track->stream);
        } else if constexpr (std::is_same_v<E, link::TrackReported>) {
          const Member::EgressTrack* track = member.egress(e.track);
          if (track == nullptr) return;
          track->subscription->handle_report(track->index, e);
          if (track->subscription->stream().ended()) mark_dirty(track->subscription->stream());
        } else if constexpr (std::is_same_v<E, link::GaveUp>) {
          // The link has counted it by its reason (count_drops).
        } else if constexpr (std::is_same_v<E, link::AddressChanged>) {
          // The link follows by itself; snapshots read its address.
        } else {
          static_assert(std::is_same_v<E, link::Closed>);
          handle_closed(member, e);
        }
      },
      event);
}

void Room::handle_established(Instant now, Member& member) {
  if (member.state() != Member::State::kHalfOpen) return;
  member.set_state(Member::State::kJoining);
  context_.metrics.members.add();
  if (member.pass().session_seconds_max != 0) {
    member.session_ends = now + std::chrono::seconds{member.pass().session_seconds_max};
  }
  context_.courier.to_door(LinkEstablished{member.connection()});
  context_.courier.to_worker(opening_.home, Join{opening_.id, opening_.name, opening_.streams_max,
                                                 context_.courier.self(), member.pass()});
}

void Room::handle_media(Instant now, Member& member, const link::MediaArrived& media) {
  const Member::IngressTrack* track = member.ingress(media.track);
  // P-MEDIA-08: nothing is kept of a track that was not announced and answered.
  if (track == nullptr) return context_.metrics.drop(DropReason::kUnknownTrack);
  Stream& stream = *track->stream;
  if (stream.identity().room != opening_.id ||
      !may_push(member.pass().rights, stream.track(track->index).kind())) {
    return context_.metrics.drop(DropReason::kNotAllowed);
  }
  if (!member.take_rate_tokens(now, media.part.size())) {
    return context_.metrics.drop(DropReason::kRateLimited);
  }
  if (const Status<> taken = stream.ingest(now, now, track->index, media.part); !taken) {
    return context_.metrics.drop(taken.error());
  }
  mark_dirty(stream);
}

void Room::handle_message(Instant now, Member& member, const link::MessageArrived& message) {
  if (!member.take_message_token(now, message.body.size())) {
    context_.metrics.drop(DropReason::kRateLimited);
    return close_member(now, member, link::CloseCode::kNotAllowed, LeaveReason::kMisbehaved);
  }
  switch (member.state()) {
    case Member::State::kHalfOpen:
    case Member::State::kJoining:
      member.held.push_back(
          {message.stream, message.type, {message.body.begin(), message.body.end()}});
      return;
    case Member::State::kPresent:
      break;
    case Member::State::kLeaving:
      return;
  }
  const wire::MessageView view{message.type, message.body};
  switch (message.stream) {
    case link::ControlStreamId::kRoom:
      return handle_room_message(now, member, view);
    case link::ControlStreamId::kApplication:
      return handle_application_message(now, member, view);
  }
}

void Room::handle_closed(Member& member, const link::Closed& closed) {
  leave(member, member.leave_reason.value_or(reason_of(closed)), closed.code);
}

void Room::close_member(Instant now, Member& member, link::CloseCode code, LeaveReason reason) {
  if (member.state() == Member::State::kLeaving) return;
  member.leave_reason = reason;
  member.link().close(now, code, link::close_code_name(code));
  member.touch();
  leave(member, reason, code);
}

void Room::leave(Member& member, LeaveReason reason, link::CloseCode code) {
  const Member::State before = member.state();
  if (before == Member::State::kLeaving) return;
  member.set_state(Member::State::kLeaving);
  detach_all(member);
  for (auto& [handle, stream] : streams_) member.close_ingress(*stream);
  if (before == Member::State::kHalfOpen) return;
  context_.metrics.members.subtract();
  context_.courier.to_worker(opening_.home, Leave{opening_.id, member.connection(), reason, code});
}

void Room::erase_member(Member& member) {
  DCHECK(member.state() == Member::State::kLeaving);
  member.count_drops(context_.metrics);
  if (member.active()) context_.active.remove(member);
  members_.erase(member.connection());
}

void Room::handle_handover(Instant now, const HandoverPart& part) {
  Stream* stream = find_stream(part.stream);
  if (stream == nullptr || is_origin(*stream) || part.track >= stream->track_count() ||
      !stream->wanted_told) {  // not any more: it was under way
    return context_.metrics.drop(DropReason::kUnknownTrack);
  }
  if (part.bytes == 0) {
    stream->skip(part.track, part.first, part.last);
  } else if (const auto taken = stream->ingest(now, part.arrival, part.track, part.part());
             !taken) {
    return context_.metrics.drop(taken.error());
  }
  context_.metrics.handover_parts_in.add();
  mark_dirty(*stream);
}

void Room::end_turn(Instant now) {
  for (const ConnectionId connection : std::exchange(to_match_, {})) {
    Member* member = find_member(connection);
    for (auto& [handle, stream] : streams_) {
      if (member != nullptr && member->present()) match(now, *member, *stream);
    }
  }
  std::swap(dirty_, dirty_taken_);
  for (Stream* stream : dirty_taken_) {
    stream->dirty = false;
    stream->forward_pending(now);
    send_key_requests(now, *stream);
    if (is_origin(*stream)) report_to_pusher(now, *stream);
    for (BranchFeed& feed : stream->feeds()) {
      if (feed.take_written()) context_.courier.wrote_handover(feed.worker());
    }
    if (stream->ended()) settle_ended(now, *stream);
  }
  dirty_taken_.clear();
}

void Room::match_later(const Member& member) {
  if (dirty_.empty() && to_match_.empty()) context_.dirty_rooms.push_back(opening_.id);
  to_match_.insert(member.connection());
}

void Room::mark_dirty(Stream& stream) {
  if (std::exchange(stream.dirty, true)) return;
  if (dirty_.empty() && to_match_.empty()) context_.dirty_rooms.push_back(opening_.id);
  dirty_.push_back(&stream);
}

void Room::settle_ended(Instant now, Stream& stream) {
  const wire::StreamEvent down = stream.event(wire::StreamEvent::Change::kDown);
  for (std::size_t i = stream.subscriptions().size(); i-- > 0;) {
    const Subscription& subscription = *stream.subscriptions()[i];
    if (!stream.finished_for(subscription, now)) continue;
    Member& member = subscription.member();
    stream.unsubscribe(member);
    send(now, member, down);
    // Closing a member that is too slow takes its other subscriptions, perhaps of this stream too.
    i = std::min(i, stream.subscriptions().size());
  }
  if (stream.subscriptions().empty()) remove_stream(now, stream);
}

void Room::remove_stream(Instant now, Stream& stream) {
  const wire::StreamEvent down = stream.event(wire::StreamEvent::Change::kDown);
  while (!stream.subscriptions().empty()) {
    Member& member = stream.subscriptions().back()->member();
    stream.unsubscribe(member);
    send(now, member, down);
  }
  std::erase(dirty_, &stream);
  streams_.erase(stream.identity().handle);
}

void Room::send_key_requests(Instant, Stream& stream) {
  const unsigned wanted = stream.take_wanted_keys();
  if (wanted == 0) return;
  Member* pusher = is_origin(stream) ? find_member(stream.identity().pusher) : nullptr;
  for (std::uint8_t i = 0; i < stream.track_count(); ++i) {
    if ((wanted >> i & 1U) == 0) continue;
    if (!is_origin(stream)) {
      context_.courier.to_worker(stream.identity().origin,
                                 KeyWanted{opening_.id, stream.identity().handle, i});
    } else if (pusher != nullptr && pusher->present()) {
      pusher->link().request_key(stream.track(i).description().id);
      pusher->touch();
      context_.metrics.key_requests_out.add();
    }
  }
}

void Room::report_to_pusher(Instant now, Stream& stream) {
  Member* pusher = find_member(stream.identity().pusher);
  if (pusher == nullptr || !pusher->present()) return;
  const Duration patience = stream.patience();
  const auto within_ms = static_cast<std::uint16_t>(patience / std::chrono::milliseconds{1});
  for (std::size_t i = 0; i < stream.track_count(); ++i) {
    Track& track = stream.track(i);
    if (track.frames().empty()) continue;
    pusher->link().set_report(track.description().id, track.oldest_open(now, patience),
                              wire::kNoMilliseconds, within_ms);
  }
  pusher->touch();
}

void Room::tick(Instant now) {
  for (auto& [connection, member] : members_) {
    member->count_drops(context_.metrics);
    link::LinkStats stats = member->link().stats();
    // A late packet takes its gap back; a counter must not.
    stats.packets_missing = std::max(stats.packets_missing, member->stats_at_tick.packets_missing);
    constexpr std::uint64_t kTicksPerSecond = std::chrono::seconds{1} / kRoomTick;
    member->bytes_in_per_s = (stats.bytes_received - member->bytes_in_at_tick) * kTicksPerSecond;
    member->bytes_out_per_s = (stats.bytes_sent - member->bytes_out_at_tick) * kTicksPerSecond;
    member->bytes_in_at_tick = stats.bytes_received;
    member->bytes_out_at_tick = stats.bytes_sent;
    count_recovery(context_.metrics, stats, member->stats_at_tick);
    member->stats_at_tick = stats;
    if (now >= member->session_ends) {
      close_member(now, *member, link::CloseCode::kNotAllowed, LeaveReason::kExpired);
    }
  }
  for (auto& [handle, stream] : streams_) {
    if (stream->ended()) {
      mark_dirty(*stream);
      continue;
    }
    const Duration before = stream->patience();
    const Duration patience = stream->update_patience();
    if (is_origin(*stream)) {
      if (patience != before) report_to_pusher(now, *stream);
    } else if (!stream->subscriptions().empty() && patience != before) {
      context_.courier.to_worker(
          stream->identity().origin,
          PatienceTold{opening_.id, handle, context_.courier.self(),
                       static_cast<std::uint16_t>(patience / std::chrono::milliseconds{1})});
    }
  }
}

void Room::allocate_links(Instant now) {
  for (auto& [connection, member] : members_) {
    if (member->present()) allocate(now, *member);
  }
}

void Room::allocate(Instant now, Member& member) {
  allocator_.run(now, member);
  for (const Subscription* subscription : member.subscriptions) {
    if (subscription->stream().wants_keys()) mark_dirty(subscription->stream());
  }
}

RoomHome& Room::make_home_part() {
  if (home_part_ == nullptr) {
    home_part_ = std::make_unique<RoomHome>(opening_.id, opening_.name, opening_.streams_max,
                                            context_.courier);
  }
  return *home_part_;
}

Member* Room::find_member(ConnectionId connection) {
  const auto found = members_.find(connection);
  return found == members_.end() ? nullptr : found->second.get();
}

Stream* Room::find_stream(wire::StreamHandle handle) {
  const auto found = streams_.find(handle);
  return found == streams_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::relay
