// What comes into a link: datagrams, deadlines; and the events they leave.
#include <algorithm>

#include "proto/crypto/secret.h"
#include "proto/link/link_state.h"

namespace sluice::link {

namespace {

/// A frame whose newest part arrived is taken for incomplete after this at the least.
constexpr Duration kIncompleteMin = std::chrono::milliseconds{5};

/// ECN field of the IP header: congestion experienced (RFC 3168).
constexpr std::uint8_t kEcnCongestion = 3;

/// Codes of later versions are an error of the protocol to us; kReset never comes from the wire.
CloseCode close_code_from(wire::CloseCode code) {
  return code <= wire::CloseCode::kKeyLimit ? static_cast<CloseCode>(code)
                                            : CloseCode::kProtocolError;
}

}  // namespace

/// What a packet's frames come to, found before any of them is acted on.
struct Link::State::Contents {
  PacketTraits traits;
  std::optional<wire::MediaHeader> first_part;  // of a frame of several parts
  std::optional<wire::MediaHeader> newest_part;
  std::uint32_t media_parts = 0;
  std::size_t media_bytes = 0;
  bool only_media = true;

  void see(const wire::MediaView& media) {
    traits.asks_feedback = true;
    ++media_parts;
    media_bytes += media.body.size();
    newest_part = media.header;
    if (media.header.index == 0 && media.header.count > 1) first_part = media.header;
  }

  void see_other(const wire::Frame& frame) {
    only_media = false;
    traits.ping |= std::holds_alternative<wire::Ping>(frame);
    traits.control |= std::holds_alternative<wire::ControlView>(frame);
    traits.asks_feedback |= !std::holds_alternative<wire::FeedbackView>(frame) &&
                            !std::holds_alternative<wire::Close>(frame);
  }
};

Unexpected<DropReason> Link::State::drop(DropReason reason) {
  drops.add(reason);
  return Unexpected{reason};
}

Status<> Link::State::handle_datagram(Instant at, MutableBytes datagram, const Address& from,
                                      std::uint8_t ecn) {
  now = at;
  drop_unpolled();
  const Result<wire::PacketType> type = wire::classify(datagram, receive_direction);
  if (!type) return drop(type.error());
  if (ending()) return drop(DropReason::kLinkClosed);
  if (*type == wire::PacketType::kData) return handle_data(datagram, from, ecn);
  if (*type != wire::PacketType::kReset) return drop(DropReason::kUnknownType);
  // P-RESET-01. Only the relay that gave us the token can name it.
  const wire::Reset reset = wire::read_reset(datagram);
  if (role != Role::kClient || reset.connection != connection_id) {
    return drop(DropReason::kUnknownConnection);
  }
  if (!crypto::equal_constant_time(reset.token, reset_token)) {
    return drop(DropReason::kAuthenticationFailed);
  }
  end(CloseCode::kReset, true, "the relay does not know this link any more");
  return Done{};
}

Status<> Link::State::handle_data(MutableBytes datagram, const Address& from, std::uint8_t ecn) {
  const wire::DataHeader header = wire::read_data_header(datagram, receive_direction);
  if (receive_direction == wire::Direction::kToRelay && header.connection != connection_id) {
    return drop(DropReason::kUnknownConnection);
  }
  const std::optional<PacketNumber> highest = received.highest();
  const PacketNumber number =
      expand_packet_number(header.number_low, highest ? *highest + 1 : PacketNumber{0});
  // P-DATA-03: looked at before decryption, marked after the tag verified.
  if (const auto fresh = replay.check(number); !fresh) return drop(fresh.error());
  const std::size_t datagram_bytes = datagram.size();
  const Result<MutableBytes> plaintext = protection.open(
      now,
      {.packet_number = number,
       .packet = datagram,
       .header_bytes = static_cast<std::uint16_t>(wire::data_header_bytes(receive_direction))});
  if (!plaintext) return drop(plaintext.error());
  const bool newest = replay.is_newest(number);
  replay.mark(number);

  Result<Contents> contents = scan(*plaintext);
  if (!contents) return drop(contents.error());
  if (lifetime.on_received(now)) add_event(Established{});
  silence.on_heard(now, contents->traits.asks_feedback);
  path.on_packet(now, from, datagram_bytes, newest, random);
  ++counts.packets_received;
  counts.bytes_received += datagram_bytes;
  counts.media_parts_received += contents->media_parts;
  counts.media_bytes_received += contents->media_bytes;
  if (contents->first_part) {
    jitter.on_frame(now, contents->first_part->track, contents->first_part->dts);
  }
  PacketTraits& traits = contents->traits;
  traits.media_bytes = contents->media_bytes;
  traits.congestion_mark = (ecn & 3U) == kEcnCongestion;
  if (contents->newest_part && !contents->newest_part->is_last()) {
    traits.incomplete_for = std::max(kIncompleteMin, jitter.value() * 2);
  }
  received.record(now, number, traits);
  if (contents->media_parts > 0) unpolled = *plaintext;
  if (!contents->only_media) handle_frames(*plaintext);
  return Done{};
}

Result<Link::State::Contents> Link::State::scan(Bytes plaintext) {
  Contents contents;
  wire::FrameReader reader{plaintext};
  while (std::optional<Result<wire::Frame>> frame = reader.next()) {
    if (!*frame) return Unexpected{frame->error()};
    if (const auto* media = std::get_if<wire::MediaView>(&**frame)) {
      contents.see(*media);
    } else {
      contents.see_other(**frame);
    }
  }
  return contents;
}

void Link::State::handle_frames(Bytes plaintext) {
  wire::FrameReader reader{plaintext};
  while (std::optional<Result<wire::Frame>> frame = reader.next()) {
    if (!*frame || ending()) return;
    std::visit([this](const auto& each) { handle(each); }, **frame);
  }
}

void Link::State::handle(const wire::FeedbackView& view) {
  const Result<wire::Feedback> feedback = wire::decode_feedback(view.body);
  // P-FEEDBACK-05: the packet's other frames still count.
  if (!feedback) return drops.add(feedback.error());
  const auto read = loss.handle_feedback(now, *feedback, sent, rtt, loss_context());
  if (!read) {
    drops.add(read.error());
    return close(now, CloseCode::kProtocolError, "feedback of a packet that was never sent");
  }
  ++counts.feedback_received;
  rate.on_feedback(now, *feedback, rtt, counts);
  pacer.set_capacity(rate.pacing_bits_per_s());
  for (const SentItem& item : loss.acknowledged()) {
    if (item.kind == SentItem::Kind::kControl) {
      control_out[static_cast<std::size_t>(item.track)].on_acknowledged(item.first);
    } else if (item.kind == SentItem::Kind::kMedia || item.kind == SentItem::Kind::kRepair) {
      egress.on_acknowledged(item);
    }
  }
  for (const SentItem& item : loss.lost()) on_lost(item);
  egress.drop_past(path_view(now));
  protection.set_old_key_retention(rtt.pto() * 3);
  if (!loss.newest()) return;
  counts.congestion_marks = feedback->ce;
  for (const wire::TrackReport& report : feedback->reports()) {
    egress.on_report(path_view(now), report.track, report.oldest_open);
    add_event(TrackReported{report.track, report.oldest_open, report.playout_delay_ms,
                            report.recover_within_ms});
  }
}

// P-RETX-01.
void Link::State::on_lost(const SentItem& item) {
  switch (item.kind) {
    case SentItem::Kind::kMedia:
    case SentItem::Kind::kRepair:
      return egress.on_lost(path_view(now), item);
    case SentItem::Kind::kControl:
      return control_out[static_cast<std::size_t>(item.track)].on_lost(item.first);
    case SentItem::Kind::kKeyRequest:
    case SentItem::Kind::kSkip:
      if (item.again) return;
      SentItem once_more = item;
      once_more.again = true;
      return add_pending(once_more);
  }
}

void Link::State::handle(const wire::KeyRequest& request) {
  add_event(KeyRequested{request.track});
}

void Link::State::handle(const wire::Skip& skip) {
  add_event(Skipped{skip.track, skip.first, skip.last});
}

void Link::State::handle(const wire::RepairView& view) {
  ++counts.repairs_received;
  const Status<> taken = ingress.on_repair(view);
  // What is implausible end_liar() counts, whether it shows at once or when parts are solved.
  if (!taken && taken.error() != DropReason::kRepairImplausible) drops.add(taken.error());
  end_liar();
}

// P-REPAIR-04.
void Link::State::end_liar() {
  for (; implausible_counted < ingress.implausible(); ++implausible_counted) {
    drops.add(DropReason::kRepairImplausible);
  }
  if (implausible_counted <= kImplausibleRepairsMax) return;
  close(now, CloseCode::kProtocolError, "repairs that contradict the media");
}

// P-CLOSE-01: whoever gets CLOSE sends nothing more.
void Link::State::handle(const wire::Close& frame) {
  end(close_code_from(frame.code), true, frame.reason);
}

void Link::State::handle(const wire::PathChallenge& challenge) { path_response = challenge.token; }

void Link::State::handle(const wire::PathResponse& response) {
  if (!path.on_response(response.token)) return;
  rtt.reset();
  loss.on_path_moved(now, sent);
  for (const SentItem& item : loss.lost()) on_lost(item);
  rate.reset(now);
  pacer.set_capacity(rate.pacing_bits_per_s());
  add_event(AddressChanged{path.peer()});
}

void Link::State::handle(const wire::ControlView& control) {
  auto& stream = control_in[static_cast<std::size_t>(control.stream)];
  if (const auto taken = stream.handle(control.offset, control.bytes); !taken) {
    drops.add(taken.error());
    close(now, CloseCode::kProtocolError, "control data beyond the window");
  }
}

// P-FRAME-02.
void Link::State::handle(const wire::UnknownFrame& frame) {
  drops.add(DropReason::kUnknownFrame);
  if (frame.critical()) close(now, CloseCode::kProtocolError, "unknown critical frame");
}

void Link::State::handle_timeout(Instant at) {
  now = at;
  drop_unpolled();
  if (ended) return;
  if (closing.started()) {
    if (closing.over_at() <= now) ended = true;
    return;
  }
  // P-KEEP-01: without a packet, because there is nobody to read it.
  if (lifetime.idle_at() <= now) return end(CloseCode::kIdle, false, "nothing was heard");
  path.handle_timeout(now);
  if (ask_at() <= now) {
    silence.note_asked();
    ping_wanted = true;
  }
  rate.handle_timeout(now);
  pacer.set_capacity(rate.pacing_bits_per_s());
  if (may_send() && loss.probe_deadline(sent, rtt) <= now) probe();
  if (egress.next_guard(path_view(now)) <= now) egress.guard(path_view(now));
}

// P-LOSS-02: what is oldest and open goes again; when that is nothing that could still be of use, a
// PING asks for feedback.
void Link::State::probe() {
  loss.on_probe(now, sent);
  for (const SentItem& item : loss.lost()) on_lost(item);
  if (!instant_work() && egress.empty()) ping_wanted = true;
}

// Events.

// Overload policy: the newest event is dropped by name. One datagram cannot fill the queue, so it
// happens only to an owner that does not poll.
void Link::State::add_event(const Event& event) {
  if (!events.push_back(event)) drops.add(DropReason::kQueueFull);
}

void Link::State::add_pending(const SentItem& item) {
  if (ending()) return drops.add(DropReason::kLinkClosed);
  if (!pending.push_back(item)) drops.add(DropReason::kQueueFull);
}

// The caller's memory may hold another datagram by now: what was not asked for is gone.
void Link::State::drop_unpolled() {
  while (poll_media()) drops.add(DropReason::kOverwritten);
}

std::optional<Event> Link::State::poll_event() {
  if (!events.empty()) {
    const Event event = events.front();
    events.pop_front();
    return event;
  }
  if (std::optional<Event> message = poll_message()) return message;
  if (std::optional<Event> media = poll_media()) return media;
  if (std::optional<Event> revived = poll_revived()) return revived;
  if (!egress.given_up().empty()) {
    const GaveUp event = egress.given_up().front();
    egress.given_up().pop_front();
    return event;
  }
  if (!ended || end_told) return std::nullopt;
  end_told = true;
  return closed_event;
}

std::optional<Event> Link::State::poll_message() {
  if (closing.started()) return std::nullopt;
  for (const ControlStreamId id : {ControlStreamId::kRoom, ControlStreamId::kApplication}) {
    const auto message = control_in[static_cast<std::size_t>(id)].poll();
    if (!message) continue;
    if (*message) return MessageArrived{id, (*message)->type, (*message)->body};
    drops.add(message->error());
    close(now, CloseCode::kProtocolError, "a control message is too large");
    return std::nullopt;
  }
  return std::nullopt;
}

// Walks the rest of the plaintext, which scan() found well-formed. A part that carries a length is
// given its ring form in place: its header moves up against its body.
std::optional<Event> Link::State::poll_media() {
  while (!unpolled.empty()) {
    MutableBytes frame = unpolled;
    const std::uint8_t type = to_u8(frame[0]);
    if ((type & wire::kMediaTypeBit) == 0) {
      const bool padding = type == static_cast<std::uint8_t>(wire::FrameType::kPadding);
      const std::size_t size = padding ? frame.size() : kFrameHeaderBytes + load_be<2>(&frame[1]);
      unpolled = frame.subspan(size);
      continue;
    }
    if ((type & wire::kMediaLengthBit) == 0) {
      unpolled = {};
    } else {
      const std::size_t body = load_be<2>(&frame[kMediaHeaderBytes]);
      frame = frame.first(kMediaHeaderBytes + wire::kMediaLengthBytes + body);
      unpolled = unpolled.subspan(frame.size());
      std::copy_backward(frame.begin(), frame.begin() + kMediaHeaderBytes,
                         frame.begin() + kMediaHeaderBytes + wire::kMediaLengthBytes);
      frame = frame.subspan(wire::kMediaLengthBytes);
      frame[0] &= ~std::byte{wire::kMediaLengthBit};
    }
    const wire::MediaHeader header = wire::decode_media_header(frame.first<kMediaHeaderBytes>());
    ingress.on_part(header.track, header.seq);
    return MediaArrived{header.track, header.seq, frame, false};
  }
  return std::nullopt;
}

std::optional<Event> Link::State::poll_revived() {
  if (ending() || !ingress.solving()) return std::nullopt;
  const std::optional<Ingress::Revived> revived = ingress.poll_revived();
  end_liar();
  if (!revived) return std::nullopt;
  ++counts.parts_revived;
  return MediaArrived{revived->track, revived->part.seq, revived->part.part, true};
}

}  // namespace sluice::link
