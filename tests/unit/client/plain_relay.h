// A relay for tests, as plain as it can be: one room, real handshakes and real links, every stream
// to every subscriber of its name, each part forwarded as it comes. No budget, no cache but the
// rings.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/crypto/client_handshake.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"
#include "proto/link/link.h"
#include "proto/wire/control_message.h"
#include "proto/wire/media_header.h"
#include "proto/wire/packet.h"
#include "proto/wire/room_message.h"
#include "sim/net.h"

namespace sluice::client {

class PlainRelay : public sim::SimNode {
 public:
  explicit PlainRelay(RandomSource random)
      : random_(random),
        identity_(crypto::RelayIdentity::generate(random)),
        ticket_key_(crypto::TicketKey::random(random)) {}

  crypto::ClientCredentials issue(std::string_view user) {
    crypto::Ticket ticket;
    random_(ticket.jti);
    ticket.expiry = {60};
    ticket.relay = identity_.key.id;
    ticket.rights = crypto::kAllRights;
    ticket.psk = crypto::Psk::random(random_);
    ticket.room = *RoomName::parse("room");
    ticket.user = *UserName::parse(user);
    return {identity_.key.public_key, crypto::seal_ticket(ticket_key_, ticket, random_),
            ticket.psk.copy()};
  }

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override {
    now_ = now;
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    const auto type = wire::classify(copy, wire::Direction::kToRelay);
    if (!type || silent) return;
    if (*type == wire::PacketType::kInit) return handle_init(now, copy, from);
    const auto id = wire::read_data_header(copy, wire::Direction::kToRelay).connection;
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [id](const auto& m) { return m->link.connection_id() == id; });
    if (found == members_.end()) {
      const auto reset = wire::write_reset({id, ResetToken{}});
      out_.push_back({from, {reset.begin(), reset.end()}});
      return;
    }
    static_cast<void>((*found)->link.handle_datagram(now, copy, from, 0));
    drain(**found);
  }

  void handle_timeout(Instant now) override {
    now_ = now;
    for (const auto& member : members_) {
      member->link.handle_timeout(now);
      drain(*member);
    }
  }

  Instant next_deadline() const override {
    Instant next = kNever;
    for (const auto& member : members_) next = std::min(next, member->link.next_deadline());
    return next == kNever ? kNever : next + timers_late_by;
  }

  std::optional<sim::SimDatagram> poll_datagram(Instant now) override {
    for (const auto& member : members_) collect(now, *member);
    if (out_.empty()) return std::nullopt;
    auto datagram = std::move(out_.front());
    out_.pop_front();
    return datagram;
  }

  /// Of all its links: packets whose receivers said that the path had marked them.
  std::uint64_t congestion_marks() const {
    std::uint64_t sum = 0;
    for (const auto& member : members_) sum += member->link.stats().congestion_marks;
    return sum;
  }

  std::optional<crypto::HandshakeStatus> refuse_with;
  wire::AnswerStatus push_status = wire::AnswerStatus::kOk;
  bool data_allowed = true;
  bool silent = false;
  Duration timers_late_by{};
  bool starts_with_cached_gop = false;  // else a subscriber waits for the next key frame
  std::uint64_t key_requests = 0;
  std::uint64_t unpushed = 0;

 private:
  struct Member {
    Member(link::LinkSetup setup, Instant now) : link(std::move(setup), now) {}

    link::Link link;
    std::optional<StreamName> subscribed;
    std::optional<wire::Push> pushes;
    std::map<TrackId, std::unique_ptr<PacketRing>> rings;  // of what it pushes
    std::map<TrackId, std::pair<Seq, Seq>> gops;           // newest key frame, newest part
  };

  void handle_init(Instant now, Bytes datagram, const Address& from) {
    const auto init = crypto::parse_init(datagram);
    if (!init || !crypto::verify_mac1(identity_.key, *init)) return;
    if (const auto known = answers_.find(init->mac1); known != answers_.end()) {
      out_.push_back({from, known->second});
      return;
    }
    const auto ticket = crypto::open_ticket(ticket_key_, init->ticket);
    if (!ticket) return;
    const auto opened = crypto::read_init(identity_, *init, ticket->psk);
    if (!opened) return;
    const auto answer = refuse_with ? refuse(*opened) : accept(now, *opened, from);
    answers_[init->mac1] = answer;
    out_.push_back({from, answer});
  }

  std::vector<std::byte> refuse(const crypto::InitOpened& opened) {
    const auto message = crypto::write_refusal(opened, *refuse_with, "", random_);
    return {message->view().begin(), message->view().end()};
  }

  std::vector<std::byte> accept(Instant now, const crypto::InitOpened& opened,
                                const Address& from) {
    crypto::AcceptGrant grant;
    grant.suite = *crypto::choose_suite(opened.suites, crypto::kAllSuites);
    grant.link.connection_id = ConnectionId{++last_id_};
    grant.client = from;
    auto written = crypto::write_accept(opened, grant, random_);
    link::LinkSetup setup;
    setup.role = link::Role::kRelay;
    setup.suite = grant.suite;
    setup.send_secret = std::move(written->secrets.relay_to_client);
    setup.receive_secret = std::move(written->secrets.client_to_relay);
    setup.connection_id = grant.link.connection_id;
    setup.peer = from;
    setup.random = random_;
    setup.early_room_bytes = static_cast<std::uint32_t>(opened.early_room_bytes.size());
    members_.push_back(std::make_unique<Member>(std::move(setup), now));
    wire::MessageReader reader;
    reader.feed(opened.early_room_bytes.view());
    while (const auto message = reader.next()) handle_message(*members_.back(), **message);
    return {written->message.view().begin(), written->message.view().end()};
  }

  void drain(Member& member) {
    while (const auto event = member.link.poll_event()) {
      if (const auto* message = std::get_if<link::MessageArrived>(&*event)) {
        handle_message(member, {message->type, message->body});
      } else if (const auto* media = std::get_if<link::MediaArrived>(&*event)) {
        forward(member, *media);
      } else if (std::holds_alternative<link::KeyRequested>(*event)) {
        ++key_requests;
      } else if (std::holds_alternative<link::Closed>(*event)) {
        end_stream(member);
      }
    }
  }

  void end_stream(Member& member) {
    for (const auto& other : members_) announce(*other, member, wire::StreamEvent::Change::kDown);
    member.pushes.reset();
  }

  void handle_message(Member& member, const wire::MessageView& view) {
    const auto decoded = wire::decode_room_message(view);
    if (!decoded) return;
    if (const auto* push = std::get_if<wire::Push>(&*decoded)) {
      const bool has_data = std::any_of(push->tracks.begin(), push->tracks.end(),
                                        [](auto& track) { return track.kind == TrackKind::kData; });
      const auto status = has_data && !data_allowed ? wire::AnswerStatus::kNotAllowed : push_status;
      send(member, wire::PushAnswer{push->request, status, wire::StreamHandle{1}});
      if (status != wire::AnswerStatus::kOk) return;
      member.pushes = *push;
      for (const auto& track : push->tracks)
        member.rings[track.id] = std::make_unique<PacketRing>();
      for (const auto& other : members_) announce(*other, member, wire::StreamEvent::Change::kUp);
    } else if (std::holds_alternative<wire::Unpush>(*decoded)) {
      ++unpushed;
      end_stream(member);
    } else if (const auto* subscribe = std::get_if<wire::Subscribe>(&*decoded)) {
      send(member, wire::SubscribeAnswer{subscribe->request, wire::AnswerStatus::kOk});
      member.subscribed = subscribe->stream;
      for (const auto& other : members_) announce(member, *other, wire::StreamEvent::Change::kUp);
    }
  }

  void announce(Member& to, Member& pusher, wire::StreamEvent::Change change) {
    if (!pusher.pushes || to.subscribed != pusher.pushes->stream) return;
    wire::StreamEvent event;
    event.change = change;
    event.stream = pusher.pushes->stream;
    event.user = *UserName::parse("pusher");
    event.handle = wire::StreamHandle{1};
    event.tracks = pusher.pushes->tracks;
    send(to, event);
    if (change != wire::StreamEvent::Change::kUp) return;
    for (const auto& [id, ring] : pusher.rings) {
      to.link.open_egress_track(id, ring.get(), link::Priority::kBase);
      const auto gop = pusher.gops.find(id);
      if (!starts_with_cached_gop || gop == pusher.gops.end()) continue;
      const auto [key, newest] = gop->second;
      const auto parts = static_cast<std::uint32_t>(newest.distance_from(key)) + 1;
      static_cast<void>(to.link.queue_media(id, key, parts, now_ + std::chrono::seconds{2}));
    }
  }

  void forward(Member& pusher, const link::MediaArrived& media) {
    const auto ring = pusher.rings.find(media.track);
    if (ring == pusher.rings.end()) return;
    const Seq keep_from = media.seq - 2000;
    if (ring->second->insert(media.seq, media.part, keep_from) != PacketRing::Insert::kStored)
      return;
    const auto header = wire::decode_media_header(media.part.first<kMediaHeaderBytes>());
    auto& [key, newest] = pusher.gops[media.track];
    if (header.keyframe && header.index == 0) key = media.seq;
    newest = media.seq;
    for (const auto& member : members_) {
      if (!pusher.pushes || member->subscribed != pusher.pushes->stream) continue;
      static_cast<void>(
          member->link.queue_media(media.track, media.seq, 1, now_ + std::chrono::seconds{2}));
    }
  }

  static void send(Member& member, const wire::RoomMessage& message) {
    std::vector<std::byte> out;
    static_cast<void>(wire::encode_room_message(message, out));
    static_cast<void>(member.link.send_message(link::ControlStreamId::kRoom, to_u8(out[0]),
                                               Bytes{out}.subspan(wire::kMessageHeaderBytes)));
  }

  void collect(Instant now, Member& member) {
    std::vector<std::byte> memory(kRunPacketsMax * kDatagramBytesMax);
    for (;;) {
      link::SendArena arena{memory};
      const auto run = member.link.poll_transmit(now, arena, kRunPacketsMax);
      if (!run) return;
      for (Bytes rest = run->bytes; !rest.empty();) {
        const std::size_t size = std::min<std::size_t>(rest.size(), run->segment_bytes);
        out_.push_back({run->to, {rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size)}});
        rest = rest.subspan(size);
      }
    }
  }

  RandomSource random_;
  crypto::RelayIdentity identity_;
  crypto::TicketKey ticket_key_;
  std::map<crypto::Mac, std::vector<std::byte>> answers_;
  std::vector<std::unique_ptr<Member>> members_;
  std::deque<sim::SimDatagram> out_;
  std::uint64_t last_id_ = 0;
  Instant now_{};
};

}  // namespace sluice::client
