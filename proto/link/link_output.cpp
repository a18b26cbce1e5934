// What leaves a link: runs of media, and bundles of everything small.
#include <algorithm>
#include <array>

#include "proto/fec/encoder.h"
#include "proto/link/link_state.h"

namespace sluice::link {

namespace {

/// The media that goes in runs, in the order of service. Audio goes in bundles, before all of it.
constexpr std::array kRunPriorities{Priority::kBase, Priority::kUpper, Priority::kData};

/// A side that sends nothing but feedback asks for some this often, to keep its round trip known.
constexpr Duration kAskEvery = std::chrono::seconds{1};

/// Feedback states what arrived in the last half round trip and this: ten feedbacks or so.
constexpr Duration kHorizonMin = std::chrono::milliseconds{100};

/// Whatever else rides in a packet, a repair of a full part fits behind it in so much.
constexpr std::size_t kAudioRepairRoom =
    kFrameHeaderBytes + kRepairHeaderBytes + kRepairBitmapBytesMax + kCodedBytesMax;

}  // namespace

std::optional<Transmit> Link::State::poll_transmit(Instant at, SendArena& arena,
                                                   std::size_t segments_max) {
  now = at;
  if (ended || segments_max == 0 || !arena.has_room_for(1)) return std::nullopt;
  if (closing.started()) {
    return closing.next_due() <= now ? write_close(arena) : std::nullopt;
  }
  if (path.challenge_due() <= now) {
    if (auto challenge = write_challenge(arena)) return challenge;
  }
  if (!may_send()) return std::nullopt;
  if (bundle_due(now)) {
    if (auto bundle = write_bundle(arena)) return bundle;
  }
  const bool granted = pacer.may_send(now);
  for (const Priority priority : kRunPriorities) {
    if (egress.empty(priority)) continue;
    if (!granted && !egress.urgent(path_view(now), priority)) continue;
    if (auto run = write_run(arena, segments_max, priority)) return run;
  }
  // Media that waits fills a probe by itself, and is not to wait for one.
  if (!egress.empty() || rate.fill_at(now) > now) return std::nullopt;
  return write_probe(arena, segments_max);
}

/// Work that waits for nothing but a call.
bool Link::State::instant_work() const {
  return ping_wanted || path_response.has_value() || !pending.empty() ||
         control_out[0].has_work(now) || control_out[1].has_work(now) ||
         !egress.empty(Priority::kAudio);
}

bool Link::State::bundle_due(Instant at) const {
  return instant_work() || received.due() <= at || lifetime.keepalive_at() <= at;
}

Instant Link::State::next_deadline() const {
  if (ended) return end_told ? kNever : now;
  if (closing.started()) return std::min(closing.next_due(), closing.over_at());
  if (!may_send()) return std::min(lifetime.idle_at(), path.next_deadline());
  if (instant_work()) return now;
  Instant next = std::min({lifetime.idle_at(), lifetime.keepalive_at(), received.due(),
                           loss.probe_deadline(sent, rtt), path.next_deadline(), ask_at(),
                           egress.next_guard(path_view(now)), control_out[0].copy_due(),
                           control_out[1].copy_due(), rate.next_deadline()});
  if (egress.empty()) return std::min(next, rate.fill_at(now));
  const bool urgent =
      std::any_of(kRunPriorities.begin(), kRunPriorities.end(),
                  [this](Priority each) { return egress.urgent(path_view(now), each); });
  return urgent ? now : std::min(next, std::max(now, pacer.free_at()));
}

// Before each transmit, never inside one: room in the tables, a number left out (P-DATA-05), keys
// renewed (P-DATA-04).
void Link::State::prepare_numbers() {
  const auto make_room = [this] {
    if (sent.has_room()) return;
    loss.make_room(now, sent);
    for (const SentItem& item : loss.lost()) on_lost(item);
  };
  make_room();
  if (sent.next_number() >= skip_at) {
    sent.skip_number(now);
    skip_at = sent.next_number() + kSkipEvery + random.below(kSkipEvery - kRunPacketsMax);
    make_room();
  }
  if (protection.should_update(now, loss.highest_acknowledged())) protection.update(now);
}

// Small packets.

std::optional<Transmit> Link::State::write_close(SendArena& arena) {
  prepare_numbers();
  PacketBuilder packet{arena.free_space(), send_direction};
  const wire::Close frame{static_cast<wire::CloseCode>(closed_event.code), close_reason.text()};
  CHECK(packet.frames().append(frame));
  closing.on_sent();
  return send_one(arena, packet, path.peer(), false);
}

// P-DATA-06.
std::optional<Transmit> Link::State::write_challenge(SendArena& arena) {
  prepare_numbers();
  PacketBuilder packet{arena.free_space(), send_direction};
  CHECK(packet.frames().append(wire::PathChallenge{path.token()}));
  const std::size_t bytes = packet.frames().size() + wire::data_overhead_bytes(send_direction);
  if (!path.may_send_to_candidate(bytes)) {
    drops.add(DropReason::kPathUnvalidated);
    path.postpone_challenge(now + rtt.pto());
    return std::nullopt;
  }
  path.on_challenge_sent(now, bytes, rtt.pto());
  return send_one(arena, packet, path.candidate(), true);
}

// Everything small that is due now shares a packet, in the order of its urgency (P-MEDIA-07).
std::optional<Transmit> Link::State::write_bundle(SendArena& arena) {
  prepare_numbers();
  PacketBuilder packet{arena.free_space(), send_direction};
  wire::FrameWriter& frames = packet.frames();
  append_feedback(frames);
  bool asks = append_control(frames);
  asks |= append_pending(frames);
  asks |= append_pings(frames, asks || !egress.empty(Priority::kAudio));
  asks |= append_audio(frames);
  if (frames.empty()) return std::nullopt;
  return send_one(arena, packet, path.peer(), asks);
}

/// Feedback rides along whenever there is something new to say.
bool Link::State::append_feedback(wire::FrameWriter& frames) {
  if (received.due() > now && !received.unreported()) return false;
  wire::Feedback feedback;
  if (!received.fill(now, rtt.srtt() / 2 + kHorizonMin, feedback)) return false;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    wire::TrackReport report = reports.next(i, feedback.number);
    report.open_equations = ingress.open_equations(report.track);
    static_cast<void>(feedback.add_report(report));  // as many as TrackReports holds
  }
  const std::size_t before = frames.size();
  if (!frames.append(feedback)) return false;
  counts.feedback_bytes_sent += frames.size() - before;
  const std::size_t alone = before == 0 ? wire::data_overhead_bytes(send_direction) : 0;
  received.on_feedback_sent(now, frames.size() - before + alone, rtt.srtt());
  return true;
}

bool Link::State::append_control(wire::FrameWriter& frames) {
  const bool twice = loss.meter().ratio() > kControlTwiceAboveLoss;  // P-CTRL-03
  bool any = false;
  for (std::size_t stream = 0; stream < control_out.size(); ++stream) {
    while (sent.staged_items() < SentPackets::kItemsPerPacketMax) {
      const auto piece = control_out[stream].next(now, frames.control_room(), twice);
      if (!piece) break;
      CHECK(frames.append(wire::ControlView{static_cast<wire::ControlStream>(stream), piece->offset,
                                            piece->bytes}));
      sent.add_item({.kind = SentItem::Kind::kControl,
                     .track = TrackId{static_cast<std::uint8_t>(stream)},
                     .first = piece->offset,
                     .last = static_cast<std::uint32_t>(piece->bytes.size())});
      any = true;
    }
  }
  return any;
}

bool Link::State::append_pending(wire::FrameWriter& frames) {
  bool any = false;
  while (!pending.empty() && sent.staged_items() < SentPackets::kItemsPerPacketMax) {
    const SentItem& item = pending.front();
    const bool fitted =
        item.kind == SentItem::Kind::kKeyRequest
            ? frames.append(wire::KeyRequest{item.track})
            : frames.append(wire::Skip{item.track, Seq{item.first}, Seq{item.last}});
    if (!fitted) break;
    sent.add_item(item);
    pending.pop_front();
    any = true;
  }
  return any;
}

/// `asks`: something else in the packet asks for feedback already.
bool Link::State::append_pings(wire::FrameWriter& frames, bool asks) {
  bool any = false;
  if (path_response && frames.append(wire::PathResponse{*path_response})) {
    path_response.reset();
    any = true;
  }
  const bool stale = !frames.empty() && last_asking + kAskEvery <= now && !asks && !any;
  const bool keepalive = lifetime.keepalive_at() <= now && frames.empty();
  if ((ping_wanted || stale || keepalive) && frames.append(wire::Ping{})) {
    ping_wanted = false;
    any = true;
  }
  return any;
}

/// All audio that is due: one part alone goes as it lies in its ring.
bool Link::State::append_audio(wire::FrameWriter& frames) {
  const PathView view = path_view(now);
  bool any = false;
  while (sent.staged_items() < SentPackets::kItemsPerPacketMax) {
    const auto part = egress.peek(view, Priority::kAudio);
    if (!part) break;
    if (part->repair != nullptr) {
      if (!any && append_audio_repair(frames, *part)) any = true;
      break;  // a loss must not take a part and what makes up for it
    }
    if (frames.remaining() < part->bytes.size() + wire::kMediaLengthBytes) break;
    egress.take(*part);
    const bool alone = frames.empty() && egress.empty(Priority::kAudio);
    CHECK(alone ? frames.append_final_part(part->bytes, part->item.track)
                : frames.append_bundled_part(part->bytes, part->item.track));
    sent.add_item(part->item);
    ++counts.media_parts_sent;
    if (!part->item.again) rate.on_fresh_part(now, part->bytes);
    ledger.add_part(part->bytes.size() - kMediaHeaderBytes,
                    kMediaHeaderBytes + (alone ? 0 : wire::kMediaLengthBytes), part->item.again);
    counts.parts_retransmitted += part->item.again ? 1U : 0U;
    any = true;
  }
  return any;
}

/// False when it cannot be made or does not fit behind what the packet has already.
bool Link::State::append_audio_repair(wire::FrameWriter& frames, const NextPart& next) {
  if (!frames.empty() && frames.remaining() < kAudioRepairRoom) return false;
  if (!append_next(frames, next)) {
    egress.drop_repair(next);
    return false;
  }
  sent.add_item(next.item);
  note(next);
  egress.take(next);
  return true;
}

std::optional<Transmit> Link::State::send_one(SendArena& arena, PacketBuilder& packet,
                                              const Address& to, bool asks_feedback) {
  const crypto::SealJob job = packet.finish(sent.next_number(), connection_id);
  commit(job.packet.size(), asks_feedback);
  return seal(arena, {&job, 1}, to);
}

// Runs.

// Equal parts, the last perhaps shorter, one a packet, back to back: the header, the one copy of
// the plaintext with its track byte, and one call that seals them all.
std::optional<Transmit> Link::State::write_run(SendArena& arena, std::size_t packets_max,
                                               Priority priority) {
  prepare_numbers();
  std::array<crypto::SealJob, kRunPacketsMax> jobs;
  const PathView view = path_view(now);
  MutableBytes memory = arena.free_space();
  const std::size_t most = std::min({packets_max, pacer.quantum(), jobs.size()});
  std::size_t count = 0;
  while (count < most && memory.size() >= kDatagramBytesMax && sent.has_room()) {
    const auto next = egress.peek(view, priority);
    if (!next) break;
    PacketBuilder packet{memory, send_direction};
    if (!append_next(packet.frames(), *next)) {
      egress.drop_repair(*next);
      continue;
    }
    const std::size_t bytes = packet.frames().size() + wire::data_overhead_bytes(send_direction);
    if (count > 0 && bytes > jobs[0].packet.size()) break;
    sent.add_item(next->item);
    jobs[count] = packet.finish(sent.next_number(), connection_id);
    note(*next);
    commit(bytes, true);
    egress.take(*next);
    memory = memory.subspan(bytes);
    ++count;
    if (bytes < jobs[0].packet.size()) break;  // only the last of a run may be shorter
  }
  if (count == 0) return std::nullopt;
  return seal(arena, {jobs.data(), count}, path.peer());
}

/// False when a repair cannot be made any more: its parts have left the ring.
bool Link::State::append_next(wire::FrameWriter& frames, const NextPart& next) {
  if (next.repair == nullptr) {
    CHECK(frames.append_final_part(next.bytes, next.item.track));
    return true;
  }
  const PendingRepair& repair = *next.repair;
  const Bytes bitmap = Bytes{repair.bitmap}.first(repair.bitmap_bytes);
  std::array<std::byte, kCodedBytesMax> memory;
  const Result<Bytes> coded =
      fec::encode_repair(*next.ring, {repair.first, repair.span, bitmap}, repair.seed, memory);
  if (!coded) return false;
  CHECK(frames.append(wire::RepairView{.track = repair.track,
                                       .first = repair.first,
                                       .span = repair.span,
                                       .seed = repair.seed,
                                       .bitmap = bitmap,
                                       .coded = *coded}));
  return true;
}

/// Into the books: what the packet under construction carries.
void Link::State::note(const NextPart& next) {
  if (next.repair != nullptr) {
    ++counts.repairs_sent;
    return ledger.add_repair(false);
  }
  ++counts.media_parts_sent;
  counts.parts_retransmitted += next.item.again ? 1U : 0U;
  ledger.add_part(next.bytes.size() - kMediaHeaderBytes, kMediaHeaderBytes, next.item.again);
  if (!next.item.again) rate.on_fresh_part(now, next.bytes);
}

// What a probe needs and media does not fill: repairs over the newest parts, which the receiver has
// use for where one was lost. They are in nobody's books but the probe's: no loss of them matters.
std::optional<Transmit> Link::State::write_probe(SendArena& arena, std::size_t packets_max) {
  prepare_numbers();
  const std::optional<CodingWindow> window = egress.newest_parts();
  std::array<crypto::SealJob, kRunPacketsMax> jobs;
  MutableBytes memory = arena.free_space();
  const std::size_t most = std::min({packets_max, rate.fill_packets(), jobs.size()});
  std::size_t count = 0;
  while (window && count < most && memory.size() >= kDatagramBytesMax && sent.has_room()) {
    std::array<std::byte, kCodedBytesMax> coded_memory;
    // Counted downwards, those of the last round upwards: the two seldom meet, and then one of two
    // equal repairs says nothing new.
    const std::uint16_t seed = next_probe_seed--;
    const Result<Bytes> coded =
        fec::encode_repair(*window->ring, {window->first, window->span, {}}, seed, coded_memory);
    if (!coded) break;
    PacketBuilder packet{memory, send_direction};
    CHECK(packet.frames().append(wire::RepairView{.track = window->track,
                                                  .first = window->first,
                                                  .span = window->span,
                                                  .seed = seed,
                                                  .bitmap = {},
                                                  .coded = *coded}));
    jobs[count] = packet.finish(sent.next_number(), connection_id);
    ledger.add_repair(true);
    commit(jobs[count].packet.size(), true);
    memory = memory.subspan(jobs[count].packet.size());
    ++count;
  }
  if (count == 0) {
    rate.postpone_fill(now);
    return std::nullopt;
  }
  return seal(arena, {jobs.data(), count}, path.peer());
}

std::optional<Transmit> Link::State::seal(SendArena& arena, std::span<const crypto::SealJob> jobs,
                                          const Address& to) {
  // The bound on one key is reached: a packet more would weaken all of them (P-DATA-04). There is
  // no way left to say so to the peer.
  if (!protection.seal_run(jobs)) {
    end(CloseCode::kKeyLimit, false, "the key's limit is reached");
    return std::nullopt;
  }
  std::size_t bytes = 0;
  for (const crypto::SealJob& job : jobs) bytes += job.packet.size();
  const MutableBytes run = arena.free_space().first(bytes);
  arena.take(bytes);
  pacer.on_sent(now, bytes);
  return Transmit{.to = to,
                  .bytes = run,
                  .segment_bytes = static_cast<std::uint16_t>(jobs[0].packet.size()),
                  .count = static_cast<std::uint16_t>(jobs.size())};
}

void Link::State::commit(std::size_t bytes, bool asks_feedback) {
  rate.on_packet(now, sent.next_number(), static_cast<std::uint32_t>(bytes), asks_feedback);
  sent.commit(now, bytes, asks_feedback);
  if (asks_feedback) {
    last_asking = now;
    silence.on_asked(now);
  }
  lifetime.on_sent(now);
  ++counts.packets_sent;
  counts.bytes_sent += bytes;
  ledger.close_packet(bytes, counts);
}

}  // namespace sluice::link
