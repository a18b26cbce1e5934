// Room: what the home has decided and other branches have asked, and who is subscribed to what.
#include <algorithm>
#include <utility>

#include "relay/room/rights.h"
#include "relay/room/room.h"

namespace sluice::relay {

void Room::handle(Instant now, const MemberEntered& mail) {
  const bool hidden = is_hidden(mail.pass.rights);
  known_.insert_or_assign(mail.pass.connection,
                          KnownMember{mail.pass.user, mail.pass.rights, next_order_++});
  for (const auto& [connection, member] : members_) {
    if (connection == mail.pass.connection) {
      if (member->state() == Member::State::kJoining) become_present(now, *member);
    } else if (!hidden) {
      send(now, *member,
           wire::MemberEvent{wire::MemberEvent::Change::kIn, mail.pass.user,
                             mail.pass.rights.bits(), 0});
    }
  }
}

void Room::handle(Instant now, const MemberLeft& mail) {
  known_.erase(mail.connection);
  if (mail.hidden) return;
  const wire::MemberEvent event{wire::MemberEvent::Change::kOut, mail.user, 0,
                                static_cast<std::uint8_t>(mail.code)};
  for (const auto& [connection, member] : members_) send(now, *member, event);
}

void Room::handle(Instant now, const StreamOpened& mail) {
  // A handle comes round again after 65,535 streams: what lingers under it is over.
  if (Stream* lingering = find_stream(mail.stream)) remove_stream(now, *lingering);
  auto stream = std::make_unique<Stream>(
      StreamIdentity{opening_.id, mail.stream, mail.name, mail.user, mail.pusher, mail.origin},
      mail.tracks, context_.metrics);
  Stream& opened = *stream;
  streams_.emplace(mail.stream, std::move(stream));
  Member* pusher = find_member(mail.pusher);
  if (pusher != nullptr && pusher->present()) {
    for (std::size_t i = 0; i < mail.tracks.size(); ++i) {
      pusher->open_ingress(mail.tracks[i].id, {&opened, static_cast<std::uint8_t>(i)});
    }
    send(now, *pusher, wire::PushAnswer{mail.request, wire::AnswerStatus::kOk, mail.stream});
  }
  for (std::size_t worker = 0; worker < kWorkersMax && !wanted_early_.empty(); ++worker) {
    const WorkerIndex index{static_cast<std::uint8_t>(worker)};
    if (wanted_early_.erase({mail.stream, index}) == 0) continue;
    opened.add_feed(now, index, context_.courier.handover_to(index));
  }
  for (const auto& [connection, member] : members_) {
    if (!member->present() || connection == mail.pusher) continue;
    match(now, *member, opened);
    // Who does not subscribe is told that the stream is there; its tracks have no ids for them.
    if (opened.subscription_of(*member) == nullptr) {
      send(now, *member, opened.event(wire::StreamEvent::Change::kUp));
    }
  }
}

void Room::handle(Instant now, const StreamClosed& mail) {
  Stream* stream = find_stream(mail.stream);
  if (stream == nullptr || stream->ended()) return;
  if (Member* pusher = find_member(stream->identity().pusher); pusher != nullptr) {
    for (std::size_t i = 0; i < stream->track_count(); ++i) {
      pusher->link().clear_report(stream->track(i).description().id);
    }
    pusher->close_ingress(*stream);
    if (pusher->streams_pushed > 0) --pusher->streams_pushed;
  }
  const wire::StreamEvent down = stream->event(wire::StreamEvent::Change::kDown);
  stream->end(now);
  mark_dirty(*stream);
  for (const auto& [connection, member] : members_) {
    if (connection == stream->identity().pusher) continue;
    // Subscribers are told when they have all of it (settle_ended).
    if (stream->subscription_of(*member) == nullptr) send(now, *member, down);
  }
}

void Room::handle(Instant now, const StreamRefused& mail) {
  Member* pusher = find_member(mail.pusher);
  if (pusher == nullptr) return;
  if (pusher->streams_pushed > 0) --pusher->streams_pushed;
  send(now, *pusher, wire::PushAnswer{mail.request, mail.status, {}});
}

void Room::handle(Instant, const AppDelivery& mail) {
  for (const auto& [connection, member] : members_) {
    if (!member->present() || connection == mail.message.from) continue;
    if (!mail.message.to.empty() && member->pass().user != mail.message.to) continue;
    if (!member->send(link::ControlStreamId::kApplication, mail.message.type, mail.message.body)) {
      context_.metrics.drop(DropReason::kControlOverflow);
    }
  }
}

void Room::handle(Instant now, const StreamWanted& mail) {
  Stream* stream = find_stream(mail.stream);
  if (stream == nullptr) {
    // The branch heard of the stream before us, or asks for one that is gone already. Bounded by
    // the number of handles and workers.
    if (mail.wanted) {
      wanted_early_.emplace(mail.stream, mail.worker);
    } else {
      wanted_early_.erase({mail.stream, mail.worker});
    }
    return;
  }
  if (!is_origin(*stream)) return;
  if (mail.wanted) {
    stream->add_feed(now, mail.worker, context_.courier.handover_to(mail.worker));
    mark_dirty(*stream);
  } else {
    stream->remove_feed(mail.worker);
  }
}

void Room::handle(Instant now, const KeyWanted& mail) {
  Stream* stream = find_stream(mail.stream);
  if (stream == nullptr || !is_origin(*stream) || mail.track >= stream->track_count()) return;
  stream->want_key(now, mail.track);
  mark_dirty(*stream);
}

void Room::handle(Instant, const PatienceTold& mail) {
  Stream* stream = find_stream(mail.stream);
  if (stream == nullptr) return;
  for (BranchFeed& feed : stream->feeds()) {
    if (feed.worker() == mail.worker) {
      feed.patience = std::chrono::milliseconds{mail.recover_within_ms};
    }
  }
}

void Room::match(Instant now, Member& member, Stream& stream) {
  if (stream.ended()) return;
  if (stream.identity().pusher == member.connection()) return;  // P-CTRL-06
  const Member::Rule* rule = member.rule_for(stream.identity().name);
  Subscription* present = stream.subscription_of(member);
  if (rule == nullptr || !may_subscribe(member.pass().rights)) {
    if (present != nullptr) detach(member, stream);
    return;
  }
  bool any = false;
  bool same = present != nullptr;
  for (std::size_t i = 0; i < stream.track_count(); ++i) {
    const bool wants = rule->wants(stream.track(i).kind());
    any = any || wants;
    same = same && present->wants(i) == wants;
  }
  if (same && any) {
    present->set_rule(*rule);
    return allocate(now, member);
  }
  if (present != nullptr) stream.unsubscribe(member);
  if (!any) return after_detach(stream);
  Subscription* subscription = stream.subscribe(now, member, *rule);
  if (subscription != nullptr) {
    allocate(now, member);
    subscription->start(now);
  }
  mark_dirty(stream);
  if (!is_origin(stream) && !std::exchange(stream.wanted_told, true)) {
    context_.courier.to_worker(
        stream.identity().origin,
        StreamWanted{opening_.id, stream.identity().handle, context_.courier.self(), true});
  }
  if (subscription == nullptr) {
    context_.metrics.drop(DropReason::kControlOverflow);
    close_member(now, member, link::CloseCode::kTooSlow, LeaveReason::kMisbehaved);
  }
}

void Room::detach(Member& member, Stream& stream) {
  stream.unsubscribe(member);
  after_detach(stream);
}

void Room::detach_all(Member& member) {
  while (!member.subscriptions.empty()) detach(member, member.subscriptions.back()->stream());
}

void Room::after_detach(Stream& stream) {
  if (is_origin(stream) || !stream.subscriptions().empty()) return;
  if (!std::exchange(stream.wanted_told, false)) return;
  stream.forget_media();
  context_.courier.to_worker(
      stream.identity().origin,
      StreamWanted{opening_.id, stream.identity().handle, context_.courier.self(), false});
}

std::size_t Room::request_key(Instant now, const StreamName& name) {
  std::size_t asked = 0;
  for (const auto& [handle, stream] : streams_) {
    if (stream->identity().name != name || !is_origin(*stream) || stream->ended()) continue;
    for (std::size_t i = 0; i < stream->track_count(); ++i) stream->want_key(now, i);
    mark_dirty(*stream);
    ++asked;
  }
  return asked;
}

std::size_t Room::set_rights(Instant now, const AskRights& ask) {
  std::size_t touched = 0;
  for (const auto& [connection, member] : members_) {
    if (member->pass().user != ask.user || member->state() == Member::State::kLeaving) continue;
    if (ask.instance && member->pass().instance != *ask.instance) continue;
    member->set_rights(ask.rights);
    ++touched;
    if (!member->present()) continue;
    context_.courier.to_worker(opening_.home, MemberRights{opening_.id, connection, ask.rights});
    for (const auto& [handle, stream] : streams_) {
      match(now, *member, *stream);
      if (stream->identity().pusher != connection) continue;
      for (std::size_t i = 0; i < stream->track_count(); ++i) {
        if (may_push(ask.rights, stream->track(i).kind())) continue;
        context_.courier.to_worker(opening_.home, CloseStream{opening_.id, connection, handle});
        break;
      }
    }
  }
  return touched;
}

RoomSnapshot Room::snapshot(Instant now) const {
  RoomSnapshot snapshot;
  snapshot.name = opening_.name;
  snapshot.home_worker = static_cast<std::size_t>(opening_.home);
  snapshot.age = now - since_;
  for (const auto& [connection, member] : members_) {
    snapshot.members += member->present() ? 1U : 0U;
    snapshot.subscriptions += member->subscriptions.size();
  }
  for (const auto& [handle, stream] : streams_) {
    snapshot.streams += is_origin(*stream) && !stream->ended() ? 1U : 0U;
  }
  return snapshot;
}

void Room::add_members_to(std::vector<MemberSnapshot>& out, Instant now) const {
  for (const auto& [connection, member] : members_) {
    if (member->present()) out.push_back(snapshot_of(*member, now));
  }
}

MemberSnapshot Room::snapshot_of(const Member& member, Instant now) const {
  const link::LinkStats stats = member.link().stats();
  MemberSnapshot snapshot;
  snapshot.user = member.pass().user;
  snapshot.instance = member.pass().instance;
  snapshot.rights = member.pass().rights.bits();
  snapshot.address = member.link().peer();
  snapshot.worker = static_cast<std::size_t>(context_.courier.self());
  snapshot.age = now - member.since();
  snapshot.rtt = stats.srtt;
  snapshot.jitter = stats.rttvar;
  snapshot.downlink_loss = stats.loss_ratio;
  const auto sent_to_us = static_cast<double>(stats.packets_received + stats.packets_missing);
  if (sent_to_us > 0)
    snapshot.uplink_loss = static_cast<double>(stats.packets_missing) / sent_to_us;
  snapshot.uplink_bps = member.bytes_in_per_s * 8;
  snapshot.downlink_bps = member.bytes_out_per_s * 8;
  snapshot.queue = member.link().queue_delay();
  snapshot.subscriptions = member.subscriptions.size();
  for (const auto& [handle, stream] : streams_) {
    if (stream->identity().pusher != member.connection() || stream->ended()) continue;
    StreamSnapshot& pushed = snapshot.streams.emplace_back();
    pushed.name = stream->identity().name;
    pushed.tracks = stream->track_count();
    for (std::size_t i = 0; i < stream->track_count(); ++i) {
      const Track::Counters& counters = stream->track(i).counters();
      pushed.frames += counters.frames;
      pushed.key_frames += counters.key_frames;
      pushed.media_bytes += counters.media_bytes;
      pushed.cached_parts += stream->track(i).ring().capacity();
    }
  }
  return snapshot;
}

}  // namespace sluice::relay
