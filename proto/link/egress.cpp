#include "proto/link/egress.h"

#include <algorithm>

namespace sluice::link {

namespace {

void add_misses(std::array<MissCount, kMissClasses>& sum, const RepairController& recovery) {
  for (std::size_t i = 0; i < kMissClasses; ++i) {
    sum[i].frames += recovery.misses()[i].frames;
    sum[i].missed += recovery.misses()[i].missed;
  }
}

}  // namespace

void Egress::open_track(TrackId track, const PacketRing* ring, Priority priority) {
  CHECK(ring != nullptr);
  const auto id = static_cast<std::size_t>(track);
  if (id >= tracks_.size()) tracks_.resize(id + 1);
  close_track(track);
  ++tracks_[id].generation;
  Track& opened = tracks_[id];
  opened.ring = ring;
  opened.priority = priority;
  opened.row = 0;
  if (opened.recovery == nullptr) opened.recovery = std::make_unique<RepairController>();
  opened.recovery->open(track, opened.generation, priority == Priority::kAudio);
}

void Egress::close_track(TrackId track) {
  if (find(track) == nullptr) return;
  Track& closing = tracks_[static_cast<std::size_t>(track)];
  class_of(closing.priority).fresh.remove_track(track);
  class_of(closing.priority).lost.remove_track(track);
  add_misses(misses_before_, *closing.recovery);
  closing.recovery.reset();
  closing.ring = nullptr;
}

Status<> Egress::queue(TrackId track, Seq first, std::uint32_t count, Instant deadline) {
  const Track* open = find(track);
  if (open == nullptr) return Unexpected{DropReason::kUnknownTrack};
  if (count == 0) return Done{};
  const Bytes part = open->ring->find(first);
  const EgressEntry entry{.track = track,
                          .part_bytes = static_cast<std::uint16_t>(part.size()),
                          .first = first,
                          .count = count,
                          .deadline = deadline};
  if (!class_of(open->priority).fresh.push(entry)) return Unexpected{DropReason::kQueueFull};
  return Done{};
}

void Egress::on_acknowledged(const SentItem& item) {
  Track* open = find_opening(item);
  if (open == nullptr) return;
  if (item.kind == SentItem::Kind::kRepair) {
    return open->recovery->on_repair_settled(item.first, true);
  }
  open->recovery->on_acknowledged(Seq{item.first});
}

void Egress::on_lost(const PathView& path, const SentItem& item) {
  Track* open = find_opening(item);
  if (open == nullptr) return;  // nobody waits for it
  if (item.kind == SentItem::Kind::kRepair) {
    return open->recovery->on_repair_settled(item.first, false);
  }
  const Seq seq{item.first};
  const RepairController::Loss loss = open->recovery->on_lost(path, seq);
  if (loss == RepairController::Loss::kNeedless) return;
  const bool late = path.now + path.guard > item.deadline;
  DropReason reason = DropReason::kTooLate;
  if (!late && loss != RepairController::Loss::kTooLate) {
    if (retransmits_allowed_ == 0) {
      reason = DropReason::kRateLimited;
    } else if (!class_of(open->priority).lost.push({item.track, seq, item.deadline})) {
      reason = DropReason::kQueueFull;
    } else {
      --retransmits_allowed_;
      return;
    }
  }
  open->recovery->on_dropped(seq);
  give_up(item.track, seq, reason);
}

void Egress::on_report(const PathView& path, TrackId track, Seq oldest_open) {
  if (Track* open = find(track)) open->recovery->on_report(path, oldest_open);
}

Instant Egress::next_guard(const PathView& path) const {
  Instant next = kNever;
  if (path.loss <= 0 || path.queue_is_full) return next;
  for (const Track& track : tracks_) {
    if (track.ring != nullptr) next = std::min(next, track.recovery->next_guard(path));
  }
  return next;
}

bool Egress::urgent(const PathView& path, Priority priority) const {
  if (path.queue_is_full) return false;
  const Class& of = classes_[static_cast<std::size_t>(priority)];
  const Instant soon = path.now + path.guard;
  return (!of.lost.empty() && of.lost.front().deadline <= soon) ||
         (!of.repairs.empty() && of.repairs.front().deadline <= soon);
}

void Egress::guard(const PathView& path) {
  // Repairs into a full queue would only make it lose more.
  if (path.loss <= 0 || path.queue_is_full) return;
  for (const Track& track : tracks_) {
    if (track.ring == nullptr || track.recovery->next_guard(path) > path.now) continue;
    track.recovery->guard(path, queues_of(track.priority));
  }
}

void Egress::drop_past(const PathView& path) {
  for (const Track& track : tracks_) {
    if (track.ring != nullptr) track.recovery->drop_past(path);
  }
}

std::array<MissCount, kMissClasses> Egress::misses() const {
  std::array<MissCount, kMissClasses> sum = misses_before_;
  for (const Track& track : tracks_) {
    if (track.ring != nullptr) add_misses(sum, *track.recovery);
  }
  return sum;
}

bool Egress::empty() const {
  return std::all_of(classes_.begin(), classes_.end(), [](const Class& of) { return of.empty(); });
}

std::optional<NextPart> Egress::peek(const PathView& path, Priority priority) {
  Class& of = class_of(priority);
  std::optional<NextPart> next = peek_lost(path, of);
  for (const auto& other : {peek_repair(path, of), peek_fresh(path, of)}) {
    if (other && (!next || other->item.deadline < next->item.deadline)) next = other;
  }
  return next;
}

/// What was decided at the guard may still leave behind it, while half of that is left.
bool Egress::too_late(const PathView& path, Instant deadline) {
  return path.now + path.guard / 2 > deadline;
}

std::optional<NextPart> Egress::peek_lost(const PathView& path, Class& of) {
  while (!of.lost.empty()) {
    const LostPart part = of.lost.front();
    const Track& track = tracks_[static_cast<std::size_t>(part.track)];
    const Bytes bytes = track.ring->find(part.seq);
    const bool settled = track.recovery->settled(part.seq);  // acknowledged late
    const bool late = too_late(path, part.deadline);
    if (!bytes.empty() && !settled && !late) {
      return NextPart{.item = {.kind = SentItem::Kind::kMedia,
                               .generation = track.generation,
                               .again = true,
                               .track = part.track,
                               .first = part.seq.value(),
                               .last = part.seq.value(),
                               .deadline = part.deadline},
                      .bytes = bytes};
    }
    of.lost.pop_front();
    track.recovery->on_dropped(part.seq);
    if (settled) continue;
    give_up(part.track, part.seq, late ? DropReason::kTooLate : DropReason::kOverwritten);
  }
  return std::nullopt;
}

std::optional<NextPart> Egress::peek_repair(const PathView& path, Class& of) {
  while (!of.repairs.empty()) {
    const PendingRepair& repair = of.repairs.front();
    Track* track = find(repair.track);
    const bool closed = track == nullptr || track->generation != repair.generation;
    if (!closed && !too_late(path, repair.deadline)) {
      return NextPart{.item = {.kind = SentItem::Kind::kRepair,
                               .generation = repair.generation,
                               .track = repair.track,
                               .first = repair.equation,
                               .deadline = repair.deadline},
                      .repair = &repair,
                      .ring = track->ring};
    }
    if (!closed) {
      track->recovery->on_repair_settled(repair.equation, false);
      drops_.add(DropReason::kTooLate);
    }
    of.repairs.pop_front();
  }
  return std::nullopt;
}

std::optional<NextPart> Egress::peek_fresh(const PathView& path, Class& of) {
  while (!of.fresh.empty()) {
    const EgressEntry& entry = of.fresh.front();
    const Track& track = tracks_[static_cast<std::size_t>(entry.track)];
    const Bytes bytes = track.ring->find(entry.first);
    const bool late = path.now > entry.deadline;
    if (!bytes.empty() && !late) {
      return NextPart{.item = {.kind = SentItem::Kind::kMedia,
                               .generation = track.generation,
                               .again = false,
                               .track = entry.track,
                               .first = entry.first.value(),
                               .last = entry.first.value(),
                               .deadline = entry.deadline},
                      .bytes = bytes};
    }
    const TrackId id = entry.track;
    const Seq seq = entry.first;
    of.fresh.pop_part();
    give_up(id, seq, late ? DropReason::kTooLate : DropReason::kOverwritten);
  }
  return std::nullopt;
}

void Egress::take(const NextPart& part) {
  Track& track = tracks_[static_cast<std::size_t>(part.item.track)];
  Class& of = class_of(track.priority);
  const Seq seq{part.item.first};
  if (part.repair != nullptr) {
    track.recovery->on_repair_sent(part.item.first);
    of.repairs.pop_front();
  } else if (part.item.again) {
    track.recovery->on_sent_again(seq);
    of.lost.pop_front();
  } else {
    of.fresh.pop_part();
    retransmits_allowed_ =
        std::min(retransmits_allowed_ + kRetransmitsPerPart, kRetransmitsSavedMax);
    track.recovery->on_sent(seq, part.bytes, part.item.deadline);
    track.row = seq == track.row_end ? std::min<std::uint16_t>(track.row + 1U, kProbeSpanMax) : 1;
    track.row_end = seq + 1;
  }
}

void Egress::drop_repair(const NextPart& part) {
  Track& track = tracks_[static_cast<std::size_t>(part.item.track)];
  track.recovery->on_repair_settled(part.item.first, false);
  class_of(track.priority).repairs.pop_front();
  drops_.add(DropReason::kOverwritten);
}

std::optional<CodingWindow> Egress::newest_parts() const {
  std::optional<CodingWindow> longest;
  for (std::size_t id = 0; id < tracks_.size(); ++id) {
    const Track& track = tracks_[id];
    if (track.ring == nullptr || track.row == 0 || track.priority == Priority::kAudio) continue;
    if (longest && longest->span >= track.row) continue;
    longest = CodingWindow{.track = TrackId{static_cast<std::uint8_t>(id)},
                           .ring = track.ring,
                           .first = track.row_end - track.row,
                           .span = track.row};
  }
  return longest;
}

Egress::Track* Egress::find(TrackId track) {
  const auto id = static_cast<std::size_t>(track);
  return id < tracks_.size() && tracks_[id].ring != nullptr ? &tracks_[id] : nullptr;
}

Egress::Track* Egress::find_opening(const SentItem& item) {
  Track* open = find(item.track);
  return open != nullptr && open->generation == item.generation ? open : nullptr;
}

// Overload policy of the event queue: the newest is not told of; it stays counted.
void Egress::give_up(TrackId track, Seq seq, DropReason reason) {
  drops_.add(reason);
  ++parts_given_up_;
  if (!given_up_.push_back({track, seq})) drops_.add(DropReason::kQueueFull);
}

}  // namespace sluice::link
