// Room: what members ask for, and what they are told.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "relay/room/rights.h"
#include "relay/room/room.h"

namespace sluice::relay {

void Room::become_present(Instant now, Member& member) {
  member.set_state(Member::State::kPresent);
  wire::RoomWelcome welcome;
  welcome.room = opening_.name;
  welcome.user = member.pass().user;
  const auto visible = std::count_if(known_.begin(), known_.end(),
                                     [](const auto& k) { return !is_hidden(k.second.rights); });
  welcome.members = static_cast<std::uint16_t>(std::min<std::ptrdiff_t>(visible, UINT16_MAX));
  send(now, member, welcome);
  std::vector<const KnownMember*> others;
  for (const auto& [connection, known] : known_) {
    if (connection != member.connection() && !is_hidden(known.rights)) others.push_back(&known);
  }
  std::sort(others.begin(), others.end(),
            [](const KnownMember* a, const KnownMember* b) { return a->order < b->order; });
  for (const KnownMember* other : others) {
    send(now, member,
         wire::MemberEvent{wire::MemberEvent::Change::kIn, other->user, other->rights.bits(), 0});
  }
  handle_early_bytes(now, member);
  const std::vector<Member::HeldMessage> held = std::exchange(member.held, {});
  for (const Member::HeldMessage& message : held) {
    if (!member.present()) return;
    const wire::MessageView view{message.type, message.body};
    if (message.stream == link::ControlStreamId::kRoom) {
      handle_room_message(now, member, view);
    } else {
      handle_application_message(now, member, view);
    }
  }
  // Who subscribed already was told of those streams with its own track ids.
  for (const auto& [handle, stream] : streams_) {
    if (stream->ended() || stream->subscription_of(member) != nullptr) continue;
    if (stream->identity().pusher == member.connection()) continue;
    send(now, member, stream->event(wire::StreamEvent::Change::kUp));
  }
}

void Room::handle_early_bytes(Instant now, Member& member) {
  // P-CTRL-02: the stream's first bytes. They hold whole messages, as the link's own stream begins
  // behind them.
  const std::vector<std::byte> bytes = std::exchange(member.early_room_bytes, {});
  wire::MessageReader reader;
  reader.feed(bytes);
  while (member.present()) {
    const auto message = reader.next();
    if (!message) break;
    if (!*message || !member.take_message_token(now, (*message)->body.size())) {
      context_.metrics.drop(DropReason::kMalformed);
      return close_member(now, member, link::CloseCode::kProtocolError, LeaveReason::kMisbehaved);
    }
    handle_room_message(now, member, **message);
  }
  if (reader.pending_bytes() != 0 && member.present()) {
    context_.metrics.drop(DropReason::kMalformed);
    close_member(now, member, link::CloseCode::kProtocolError, LeaveReason::kMisbehaved);
  }
}

void Room::handle_room_message(Instant now, Member& member, const wire::MessageView& message) {
  const Result<wire::RoomMessage> decoded = wire::decode_room_message(message);
  if (!decoded) {
    context_.metrics.drop(decoded.error());
    return close_member(now, member, link::CloseCode::kProtocolError, LeaveReason::kMisbehaved);
  }
  std::visit(
      [&](const auto& request) {
        using R = std::decay_t<decltype(request)>;
        if constexpr (std::is_same_v<R, wire::Push> || std::is_same_v<R, wire::Unpush> ||
                      std::is_same_v<R, wire::Subscribe> || std::is_same_v<R, wire::Unsubscribe>) {
          handle_request(now, member, request);
        } else if constexpr (std::is_same_v<R, wire::UnknownMessage>) {
          context_.metrics.drop(DropReason::kUnknownFrame);
        } else if constexpr (!std::is_same_v<R, wire::Stats>) {
          // Messages that only a relay sends.
          context_.metrics.drop(DropReason::kNotAllowed);
        }
      },
      *decoded);
}

void Room::handle_application_message(Instant now, Member& member,
                                      const wire::MessageView& message) {
  Result<wire::ApplicationMessage> decoded = wire::decode_application_message(message);
  if (!decoded) {
    context_.metrics.drop(decoded.error());
    return close_member(now, member, link::CloseCode::kProtocolError, LeaveReason::kMisbehaved);
  }
  AppMessage mail;
  mail.room = opening_.id;
  mail.from = member.connection();
  mail.type = message.type;
  const bool known = std::visit(
      [&](auto& application) {
        if constexpr (std::is_same_v<std::decay_t<decltype(application)>, wire::UnknownMessage>) {
          return false;
        } else {
          // Whatever the client wrote there: the relay vouches for the sender (P-CTRL-07).
          application.from = member.pass().user;
          mail.to = application.to;
          return true;
        }
      },
      *decoded);
  std::vector<std::byte> encoded;
  if (!known || !wire::encode_application_message(*decoded, encoded)) {
    return context_.metrics.drop(known ? DropReason::kControlTooLarge : DropReason::kUnknownFrame);
  }
  mail.body.assign(encoded.begin() + wire::kMessageHeaderBytes, encoded.end());
  context_.courier.to_worker(opening_.home, std::move(mail));
}

wire::AnswerStatus Room::check_push(const Member& member, const wire::Push& push) const {
  for (const wire::TrackDescription& track : push.tracks) {
    if (!may_push(member.pass().rights, track.kind)) return wire::AnswerStatus::kNotAllowed;
  }
  const wire::AnswerStatus tracks = wire::check_tracks(push.tracks);
  if (tracks != wire::AnswerStatus::kOk) return tracks;
  for (const wire::TrackDescription& track : push.tracks) {
    const Member::IngressTrack* taken = member.ingress(track.id);
    if (taken != nullptr && taken->stream->identity().name != push.stream) {
      return wire::AnswerStatus::kMalformed;
    }
  }
  // A stream pushed again replaces itself and needs no further place.
  const bool again = std::any_of(streams_.begin(), streams_.end(), [&](const auto& known) {
    return !known.second->ended() && known.second->identity().name == push.stream &&
           known.second->identity().pusher == member.connection();
  });
  if (!again && member.streams_pushed >= context_.streams_per_member_max) {
    return wire::AnswerStatus::kTooMany;
  }
  return wire::AnswerStatus::kOk;
}

void Room::handle_request(Instant now, Member& member, const wire::Push& push) {
  const wire::AnswerStatus status = check_push(member, push);
  if (status != wire::AnswerStatus::kOk) {
    if (status == wire::AnswerStatus::kNotAllowed) context_.metrics.drop(DropReason::kNotAllowed);
    return send(now, member, wire::PushAnswer{push.request, status, {}});
  }
  ++member.streams_pushed;
  context_.courier.to_worker(opening_.home, OpenStream{opening_.id, member.connection(),
                                                       push.request, push.stream, push.tracks});
}

void Room::handle_request(Instant, Member& member, const wire::Unpush& unpush) {
  context_.courier.to_worker(opening_.home,
                             CloseStream{opening_.id, member.connection(), unpush.stream});
}

void Room::handle_request(Instant now, Member& member, const wire::Subscribe& subscribe) {
  wire::AnswerStatus status = wire::AnswerStatus::kOk;
  const Member::Rule rule{subscribe.stream,
                          subscribe.audio,
                          subscribe.video,
                          subscribe.data,
                          subscribe.playout_delay_max_ms,
                          subscribe.priority,
                          subscribe.video_bits_per_s_max};
  if (!may_subscribe(member.pass().rights)) {
    status = wire::AnswerStatus::kNotAllowed;
    context_.metrics.drop(DropReason::kNotAllowed);
  } else if (!member.set_rule(rule)) {
    status = wire::AnswerStatus::kTooMany;
  }
  send(now, member, wire::SubscribeAnswer{subscribe.request, status});
  if (status == wire::AnswerStatus::kOk) match_later(member);
}

void Room::handle_request(Instant, Member& member, const wire::Unsubscribe& unsubscribe) {
  if (unsubscribe.stream.empty()) {
    member.clear_rules();
  } else if (member.has_rule_for_all()) {
    // An exception to "all"; when there is no place for it, the name is simply forgotten.
    if (!member.set_rule({unsubscribe.stream})) member.erase_rule(unsubscribe.stream);
  } else {
    member.erase_rule(unsubscribe.stream);
  }
  match_later(member);
}

void Room::send(Instant now, Member& member, const wire::RoomMessage& message) {
  if (!member.present() || member.send(message)) return;
  context_.metrics.drop(DropReason::kControlOverflow);
  close_member(now, member, link::CloseCode::kTooSlow, LeaveReason::kMisbehaved);
}

}  // namespace sluice::relay
