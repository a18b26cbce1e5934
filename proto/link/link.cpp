#include "proto/link/link.h"

#include "proto/link/link_state.h"

namespace sluice::link {

namespace {

wire::Direction direction_of(Role sender) {
  return sender == Role::kClient ? wire::Direction::kToRelay : wire::Direction::kFromRelay;
}

Role other(Role role) { return role == Role::kClient ? Role::kRelay : Role::kClient; }

/// P-CTRL-02: the client's room stream began in INIT.
std::uint32_t room_offset(const LinkSetup& setup, Role sender) {
  return sender == Role::kClient ? setup.early_room_bytes : 0;
}

}  // namespace

Link::State::State(LinkSetup setup, Instant at)
    : role(setup.role),
      send_direction(direction_of(setup.role)),
      receive_direction(direction_of(other(setup.role))),
      connection_id(setup.connection_id),
      reset_token(setup.reset_token),
      random(setup.random),
      protection(setup.suite, std::move(setup.send_secret), std::move(setup.receive_secret), at,
                 setup.key_limits),
      skip_at{kSkipEvery + setup.random.below(kSkipEvery)},
      control_in{ControlReceiver{room_offset(setup, other(setup.role))}, ControlReceiver{0}},
      pacer(setup.pacer_bits_per_s),
      rate(setup.pacer_bits_per_s, at),
      control_out{ControlSender{room_offset(setup, setup.role)}, ControlSender{0}},
      // The client speaks first: its first packet makes the link, even when it has nothing to say.
      ping_wanted(setup.role == Role::kClient),
      path(setup.peer),
      lifetime(at, setup.idle_timeout, setup.keepalive),
      now(at) {}

void Link::State::close(Instant at, CloseCode code, std::string_view reason) {
  if (ending()) return;
  close_reason = CloseReason{reason};
  closed_event = {code, false, close_reason.text()};
  // To a peer that never spoke nothing is sent, not even this.
  if (!may_send()) return end(code, false, reason);
  closing.start(at);
}

void Link::State::end(CloseCode code, bool by_peer, std::string_view reason) {
  if (ended) return;
  close_reason = CloseReason{reason};
  closed_event = {code, by_peer, close_reason.text()};
  ended = true;
}

// What each run and each FEEDBACK touches, but for what is large and seldom read whole.
void Link::State::prefetch_state() const {
  prefetch_through(role, skip_at);
  received.prefetch_schedule();
  prefetch_through(rtt, pacer);
  rate.prefetch_decisions();
  prefetch_through(control_out, pending);
  prefetch_through(path_response, closing);
  prefetch_through(ended, ledger);
}

void Link::State::prefetch_queue() const {
  prefetch_through(egress, pacer);
  rate.prefetch_offer();
  prefetch_through(closing, ended);
}

void Link::State::prefetch_tables() const {
  protection.prefetch_keys();
  sent.prefetch_tables();
  egress.prefetch_tables();
  rate.prefetch_tables();
}

PathView Link::State::path_view(Instant at) const {
  return {.now = at,
          .rtt = rtt.srtt(),
          .min_rtt = rtt.min_rtt(),
          .guard = rtt.guard(),
          .loss = loss.estimate().loss(at),
          .burst = loss.estimate().burst(),
          .queue_is_full = rate.queue_is_full()};
}

LossContext Link::State::loss_context() const {
  return {.packet_time = rate.packet_time(), .full_until = rate.full_at()};
}

Link::Link(LinkSetup setup, Instant now) : state_(std::make_unique<State>(std::move(setup), now)) {}

Link::~Link() = default;

Status<> Link::handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                               std::uint8_t ecn) {
  return state_->handle_datagram(now, datagram, from, ecn);
}

void Link::handle_timeout(Instant now) { state_->handle_timeout(now); }

std::optional<Event> Link::poll_event() { return state_->poll_event(); }

std::optional<Transmit> Link::poll_transmit(Instant now, SendArena& arena,
                                            std::size_t segments_max) {
  return state_->poll_transmit(now, arena, segments_max);
}

void Link::prefetch(Ahead ahead) const {
  if (ahead == Ahead::kFar) {
    state_->prefetch_state();
  } else {
    state_->prefetch_tables();
  }
}

void Link::prefetch_queue() const { state_->prefetch_queue(); }

Instant Link::next_deadline() const { return state_->next_deadline(); }

void Link::doubt_address() { state_->path.doubt(); }

void Link::open_egress_track(TrackId track, const PacketRing* ring, Priority priority) {
  state_->egress.open_track(track, ring, priority);
}

void Link::close_egress_track(TrackId track) { state_->egress.close_track(track); }

Status<> Link::queue_media(TrackId track, Seq first, std::uint32_t count, Instant deadline) {
  if (state_->ending()) return Unexpected{DropReason::kLinkClosed};
  const std::uint64_t before = state_->egress.queued_bytes();
  const Status<> queued = state_->egress.queue(track, first, count, deadline);
  state_->rate.on_offered(state_->egress.queued_bytes() - before);
  return queued;
}

void Link::set_useful(std::uint64_t media_bits_per_s) { state_->rate.set_useful(media_bits_per_s); }

void Link::open_ingress_track(TrackId track, const PacketRing* ring) {
  state_->ingress.open_track(track, ring);
}

void Link::close_ingress_track(TrackId track) { state_->ingress.close_track(track); }

Duration Link::queue_delay() const { return state_->pacer.time_of(state_->egress.queued_bytes()); }

bool Link::shedding() const { return state_->rate.shedding(); }

void Link::note_shed(std::uint64_t bytes) { state_->rate.on_offered(bytes); }

Status<> Link::send_message(ControlStreamId stream, std::uint8_t type, Bytes body) {
  if (state_->ending()) return Unexpected{DropReason::kLinkClosed};
  return state_->control_out[static_cast<std::size_t>(stream)].append(type, body);
}

void Link::request_key(TrackId ingress_track) {
  state_->add_pending({.kind = SentItem::Kind::kKeyRequest, .track = ingress_track});
}

void Link::send_skip(TrackId egress_track, Seq from, Seq to) {
  state_->add_pending({.kind = SentItem::Kind::kSkip,
                       .track = egress_track,
                       .first = from.value(),
                       .last = to.value()});
}

void Link::set_report(TrackId ingress_track, Seq oldest_open, std::uint16_t play_out_delay_ms,
                      std::uint16_t recover_within_ms) {
  const wire::TrackReport report{.track = ingress_track,
                                 .oldest_open = oldest_open,
                                 .playout_delay_ms = play_out_delay_ms,
                                 .recover_within_ms = recover_within_ms};
  if (!state_->reports.set(report)) state_->drops.add(DropReason::kQueueFull);
  state_->ingress.forget_before(ingress_track, oldest_open);
}

void Link::clear_report(TrackId ingress_track) { state_->reports.clear(ingress_track); }

void Link::close(Instant now, CloseCode code, std::string_view reason) {
  state_->close(now, code, reason);
}

void Link::address_changed() { state_->ping_wanted = true; }

Instant Link::doubtful_at() const {
  const Instant since = state_->silence.unanswered_since();
  return since == kNever ? kNever : since + std::max(state_->rtt.pto() * 3, kDoubtfulMin);
}

Duration Link::probe_timeout() const { return state_->rtt.pto(); }

bool Link::established() const { return state_->lifetime.established(); }

bool Link::closed() const { return state_->ended; }

ConnectionId Link::connection_id() const { return state_->connection_id; }

const Address& Link::peer() const { return state_->path.peer(); }

LinkStats Link::stats() const {
  LinkStats stats = state_->counts;
  stats.packets_lost = state_->loss.meter().lost_total();
  stats.packets_late = state_->loss.late_total();
  stats.loss_ratio = state_->loss.meter().ratio();
  stats.packets_missing = state_->received.missing();
  stats.parts_given_up = state_->egress.parts_given_up();
  stats.misses = state_->egress.misses();
  stats.srtt = state_->rtt.measured() ? state_->rtt.srtt() : Duration{0};
  stats.min_rtt = state_->rtt.min_rtt();
  stats.estimate_bps = state_->rate.capacity_bits_per_s();
  stats.target_bps = state_->rate.target_bits_per_s();
  stats.media_target_bps = state_->rate.media_target_bits_per_s();
  stats.latest_rtt = state_->rtt.latest();
  stats.rttvar = state_->rtt.measured() ? state_->rtt.rttvar() : Duration{0};
  return stats;
}

std::uint32_t Link::drops(DropReason reason) const { return state_->drops.of(reason); }

}  // namespace sluice::link
