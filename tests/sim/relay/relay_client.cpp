#include "tests/sim/relay/relay_client.h"

#include <algorithm>

namespace sluice::sim {

namespace {

constexpr Duration kVideoStep{33'333};
constexpr Duration kAudioStep{21'333};

std::vector<std::byte> encode(const std::vector<wire::RoomMessage>& messages) {
  std::vector<std::byte> bytes;
  for (const wire::RoomMessage& message : messages) {
    CHECK(wire::encode_room_message(message, bytes).has_value());
  }
  return bytes;
}

/// The part as everybody has it: the track byte, the one that is rewritten, set to 0.
std::vector<std::byte> normal_form(Bytes part) {
  std::vector<std::byte> bytes{part.begin(), part.end()};
  bytes[wire::kMediaTrackOffset] = std::byte{0};
  return bytes;
}

}  // namespace

RelayClient::RelayClient(RelayClientConfig config, const Address& relay,
                         const crypto::RelayKey& key, RelayNode::Credentials credentials,
                         Instant now)
    : config_(std::move(config)),
      relay_(relay),
      random_(config_.seed),
      arena_memory_(kRunPacketsMax * kDatagramBytesMax),
      arena_(arena_memory_) {
  const std::vector<std::byte> requests = encode(first_requests());
  const Bytes early = config_.early ? Bytes{requests} : Bytes{};
  auto started = crypto::ClientHandshake::start(
      {key.public_key, credentials.ticket, std::move(credentials.psk)},
      {crypto::preferred_suites(), early}, now, random_.source());
  CHECK(started.has_value());
  handshake_.emplace(std::move(*started));
}

std::vector<wire::RoomMessage> RelayClient::first_requests() {
  std::vector<wire::RoomMessage> requests;
  std::uint8_t next_track = 0;
  for (const PushPlan& plan : config_.pushes) {
    Pushed pushed;
    pushed.plan = plan;
    pushed.request = wire::RequestId{static_cast<std::uint16_t>(100 + pushed_.size())};
    wire::Push push;
    push.request = pushed.request;
    push.stream = *StreamName::parse(plan.name);
    std::uint8_t rendition = 0;
    RenditionPlan sizes{plan.key_bytes, plan.delta_bytes, 0, FourCC::kAvc};
    const auto add = [&](TrackKind kind, FourCC codec, RtmpType type, const std::string& suffix) {
      const TrackId id{next_track++};
      push.tracks.push_back({id, kind, codec, rendition, plan.key_on_request, {}});
      // Numbers start near the wrap, so every simulation crosses it.
      pushed.tracks.push_back({id, plan.name + suffix, type,
                               wire::Fragmenter{id, Seq{Seq::kModulus - 50}},
                               std::make_unique<PacketRing>(), sizes, Instant{}, 0});
    };
    if (plan.video) add(TrackKind::kVideo, FourCC::kAvc, RtmpType::kVideo, "/v");
    for (const RenditionPlan& further : plan.further) {
      sizes = further;
      ++rendition;
      add(TrackKind::kVideo, further.codec, RtmpType::kVideo, "/v" + std::to_string(rendition));
    }
    rendition = 0;
    if (plan.audio) add(TrackKind::kAudio, FourCC::kAac, RtmpType::kAudio, "/a");
    requests.emplace_back(push);
    pushed_.push_back(std::move(pushed));
  }
  wire::Subscribe subscribe;
  subscribe.playout_delay_max_ms = config_.play_out_ms;
  subscribe.video_bits_per_s_max = config_.video_bits_per_s_max;
  if (config_.subscribe_all) requests.emplace_back(subscribe);
  for (const std::string& name : config_.subscribe) {
    subscribe.stream = *StreamName::parse(name);
    requests.emplace_back(subscribe);
  }
  return requests;
}

void RelayClient::handle_datagram(Instant now, Bytes bytes, const Address& from) {
  if (link_ != nullptr) {
    std::vector<std::byte> copy{bytes.begin(), bytes.end()};
    static_cast<void>(link_->handle_datagram(now, copy, from, 0));
    handle_events(now);
    report();
    return;
  }
  if (refused) return;
  auto progress = handshake_->handle_datagram(now, bytes);
  if (!progress) return;
  if (auto* accepted = std::get_if<crypto::Accepted>(&*progress)) {
    begin_link(now, std::move(*accepted));
  } else if (const auto* no = std::get_if<crypto::Refused>(&*progress)) {
    refused = no->status;
  }
}

void RelayClient::begin_link(Instant now, crypto::Accepted accepted) {
  const std::vector<wire::RoomMessage> requests = [&] {
    std::vector<Pushed> keep = std::move(pushed_);
    pushed_.clear();
    std::vector<wire::RoomMessage> again = first_requests();
    pushed_ = std::move(keep);
    return again;
  }();
  link::LinkSetup setup;
  setup.role = link::Role::kClient;
  setup.suite = accepted.suite;
  setup.send_secret = std::move(accepted.secrets.client_to_relay);
  setup.receive_secret = std::move(accepted.secrets.relay_to_client);
  setup.connection_id = accepted.link.connection_id;
  setup.reset_token = accepted.link.reset_token;
  setup.peer = relay_;
  setup.random = random_.source();
  if (config_.early) setup.early_room_bytes = static_cast<std::uint32_t>(encode(requests).size());
  link_ = std::make_unique<link::Link>(std::move(setup), now);
  resume = std::move(accepted.resume);
  if (!config_.early) {
    for (const wire::RoomMessage& request : requests) send(request);
  }
  for (Pushed& pushed : pushed_) {
    for (PushedTrack& track : pushed.tracks) {
      link_->open_egress_track(
          track.id, track.ring.get(),
          track.type == RtmpType::kAudio ? link::Priority::kAudio : link::Priority::kBase);
    }
  }
}

void RelayClient::send(const wire::RoomMessage& message) {
  const std::vector<std::byte> bytes = encode({message});
  CHECK(link_->send_message(link::ControlStreamId::kRoom, to_u8(bytes[0]),
                            Bytes{bytes}.subspan(wire::kMessageHeaderBytes)));
}

void RelayClient::send_text(std::string_view to, std::string_view text) {
  wire::TextMessage message;
  if (!to.empty()) message.to = *UserName::parse(to);
  message.text = text;
  std::vector<std::byte> bytes;
  CHECK(wire::encode_application_message(message, bytes).has_value());
  CHECK(link_->send_message(link::ControlStreamId::kApplication, to_u8(bytes[0]),
                            Bytes{bytes}.subspan(wire::kMessageHeaderBytes)));
}

void RelayClient::leave(Instant now) { link_->close(now, link::CloseCode::kDone, "done"); }

void RelayClient::handle_timeout(Instant now) {
  if (link_ == nullptr) {
    if (!refused) handshake_->handle_timeout(now);
    return;
  }
  link_->handle_timeout(now);
  handle_events(now);
  push_due(now);
}

Instant RelayClient::next_deadline() const {
  if (link_ == nullptr) return refused ? kNever : handshake_->next_deadline();
  Instant next = link_->next_deadline();
  if (media_stopped_ || closed) return next;
  for (const Pushed& pushed : pushed_) {
    if (!pushed.handle) continue;
    for (const PushedTrack& track : pushed.tracks) next = std::min(next, track.next_at);
  }
  return next;
}

std::optional<SimDatagram> RelayClient::poll_datagram(Instant now) {
  if (link_ == nullptr) {
    if (refused) return std::nullopt;
    const Bytes init = handshake_->poll_transmit(now);
    if (init.empty()) return std::nullopt;
    if (first_init_.empty()) first_init_.assign(init.begin(), init.end());
    return SimDatagram{relay_, {init.begin(), init.end()}};
  }
  if (outbox_.empty()) {
    arena_.clear();
    const auto run = link_->poll_transmit(now, arena_, kRunPacketsMax);
    if (!run) return std::nullopt;
    for (std::size_t at = 0; at < run->bytes.size(); at += run->segment_bytes) {
      const auto one =
          run->bytes.subspan(at, std::min<std::size_t>(run->segment_bytes, run->bytes.size() - at));
      outbox_.push_back({run->to, {one.begin(), one.end()}});
    }
  }
  SimDatagram datagram = std::move(outbox_.front());
  outbox_.pop_front();
  return datagram;
}

void RelayClient::handle_events(Instant now) {
  while (const auto event = link_->poll_event()) {
    if (const auto* media = std::get_if<link::MediaArrived>(&*event)) handle_media(now, *media);
    if (const auto* message = std::get_if<link::MessageArrived>(&*event)) {
      handle_message(now, *message);
    }
    if (std::holds_alternative<link::KeyRequested>(*event)) ++key_requests;
    if (const auto* skip = std::get_if<link::Skipped>(&*event)) {
      skipped[ingress_[skip->track].key].emplace_back(skip->from, skip->to);
    }
    if (const auto* end = std::get_if<link::Closed>(&*event)) closed = end->code;
  }
}

void RelayClient::handle_message(Instant now, const link::MessageArrived& message) {
  const wire::MessageView view{message.type, message.body};
  if (message.stream == link::ControlStreamId::kApplication) {
    const auto decoded = wire::decode_application_message(view);
    if (const auto* text = std::get_if<wire::TextMessage>(&*decoded)) texts.push_back(*text);
    return;
  }
  const auto decoded = wire::decode_room_message(view);
  CHECK(decoded.has_value());
  messages.push_back(*decoded);
  if (const auto* answer = std::get_if<wire::PushAnswer>(&*decoded)) {
    for (Pushed& pushed : pushed_) {
      if (pushed.request != answer->request || answer->status != wire::AnswerStatus::kOk) continue;
      pushed.handle = answer->stream;
      pushed.began = now;
      for (PushedTrack& track : pushed.tracks) track.next_at = now;
    }
  } else if (const auto* stream = std::get_if<wire::StreamEvent>(&*decoded)) {
    for (const wire::TrackDescription& track : stream->tracks) {
      std::string suffix = track.kind == TrackKind::kVideo ? "/v" : "/a";
      if (track.rendition > 0) suffix += std::to_string(track.rendition);
      ingress_[track.id] = {std::string{stream->stream.view()} + suffix, std::nullopt};
    }
    take_early_media();
  }
}

void RelayClient::handle_media(Instant now, const link::MediaArrived& media) {
  if (!first_media_at) first_media_at = now;
  const auto header = wire::decode_media_header(media.part.first<kMediaHeaderBytes>());
  arrivals.push_back({media.track, media.seq, header.dts, now});
  // STREAM was sent before, but its packet may be the one that was lost: its media waits for it.
  early_media_[media.track].push_back(normal_form(media.part));
  take_early_media();
}

void RelayClient::take_early_media() {
  for (auto& [id, parts] : early_media_) {
    const auto known = ingress_.find(id);
    if (known == ingress_.end()) continue;
    EgressTrack& track = known->second;
    for (std::vector<std::byte>& part : parts) {
      const wire::MediaHeader header = header_of(part);
      if (!track.open) track.open = header.first_seq();
      received[track.key].emplace(header.seq.value(), std::move(part));
    }
    parts.clear();
  }
}

void RelayClient::report() {
  for (auto& [id, track] : ingress_) {
    if (!track.open) continue;
    const Parts& parts = received[track.key];
    while (parts.contains(track.open->value())) ++*track.open;
    link_->set_report(id, *track.open, config_.play_out_ms, 0xFFFF);
  }
}

void RelayClient::push_due(Instant now) {
  if (media_stopped_ || closed) return;
  for (Pushed& pushed : pushed_) {
    if (!pushed.handle || now - pushed.began > pushed.plan.stop_after) continue;
    for (PushedTrack& track : pushed.tracks) {
      const bool best = track.type == RtmpType::kVideo && track.key.ends_with("/v");
      if (best && now - pushed.began > pushed.plan.best_stops_after) {
        track.next_at = kNever;
      }
      while (track.next_at <= now) push_frame(now, pushed, track);
    }
  }
}

void RelayClient::push_frame(Instant now, Pushed& pushed, PushedTrack& track) {
  const bool video = track.type == RtmpType::kVideo;
  const bool keyframe = video && track.frames % pushed.plan.gop_frames == track.sizes.key_offset;
  std::size_t bytes = 150 + random_.below(200);
  if (video)
    bytes = (keyframe ? track.sizes.key_bytes : track.sizes.delta_bytes) + random_.below(300);
  std::vector<std::byte> body(bytes);
  random_.source()(body);
  const std::vector<std::byte> config(keyframe || (!video && track.frames % 47 == 0) ? 30 : 0,
                                      std::byte{0x61});
  wire::MediaFrame frame;
  frame.type = track.type;
  frame.timestamp_ms = static_cast<std::uint32_t>(to_us(track.next_at - pushed.began) / 1000);
  frame.keyframe = keyframe;
  frame.config = config;
  frame.body = body;
  const auto written =
      track.fragmenter.write(frame, [&](const wire::MediaHeader& header, Bytes part) {
        track.ring->insert(header.seq, part, header.seq - 2000);
        sent[track.key].emplace(header.seq.value(), normal_form(part));
      });
  CHECK(written.has_value());
  static_cast<void>(link_->queue_media(track.id, written->first, written->count,
                                       now + std::chrono::milliseconds{config_.play_out_ms}));
  ++track.frames;
  track.next_at += video ? kVideoStep : kAudioStep;
}

Difference compare(const Parts& sent, const Parts& received, std::uint32_t from) {
  Difference difference;
  for (const auto& [seq, part] : sent) {
    const auto found = received.find(seq);
    if (found == received.end()) {
      difference.missing += Seq{seq}.distance_from(Seq{from}) >= 0 ? 1U : 0U;
    } else if (found->second != part) {
      ++difference.different;
    }
  }
  for (const auto& [seq, part] : received) {
    if (!sent.contains(seq)) ++difference.different;
  }
  return difference;
}

wire::MediaHeader header_of(const std::vector<std::byte>& part) {
  return wire::decode_media_header(Bytes{part}.first<kMediaHeaderBytes>());
}

}  // namespace sluice::sim
