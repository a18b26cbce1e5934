#include "proto/link/egress.h"

#include <algorithm>

namespace sluice::link {

void Egress::open_track(TrackId track, const PacketRing* ring, Priority priority) {
  CHECK(ring != nullptr);
  const auto id = static_cast<std::size_t>(track);
  if (id >= tracks_.size()) tracks_.resize(id + 1);
  close_track(track);
  ++tracks_[id].generation;
  tracks_[id].ring = ring;
  tracks_[id].priority = priority;
}

void Egress::close_track(TrackId track) {
  if (find(track) == nullptr) return;
  Track& closing = tracks_[static_cast<std::size_t>(track)];
  class_of(closing.priority).fresh.remove_track(track);
  class_of(closing.priority).lost.remove_track(track);
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

void Egress::on_lost(Instant now, Duration guard, const SentItem& item) {
  const Track* open = find(item.track);
  if (open == nullptr || open->generation != item.generation) return;  // nobody waits for it
  const Seq seq{item.first};
  if (now + guard > item.deadline) return give_up(item.track, seq, DropReason::kTooLate);
  if (retransmits_allowed_ == 0) return give_up(item.track, seq, DropReason::kRateLimited);
  if (!class_of(open->priority).lost.push({item.track, seq, item.deadline})) {
    return give_up(item.track, seq, DropReason::kQueueFull);
  }
  --retransmits_allowed_;
}

bool Egress::empty() const {
  return std::all_of(classes_.begin(), classes_.end(),
                     [](const Class& of) { return of.fresh.empty() && of.lost.empty(); });
}

std::optional<NextPart> Egress::peek(Instant now, Duration guard, Priority priority) {
  Class& of = class_of(priority);
  while (!of.fresh.empty() || !of.lost.empty()) {
    of.next_is_lost = !of.lost.empty() &&
                      (of.fresh.empty() || of.lost.front().deadline <= of.fresh.front().deadline);
    const LostPart part = of.next_is_lost ? of.lost.front()
                                          : LostPart{of.fresh.front().track, of.fresh.front().first,
                                                     of.fresh.front().deadline};
    const Track& track = tracks_[static_cast<std::size_t>(part.track)];
    const Bytes bytes = track.ring->find(part.seq);
    const bool late = now + (of.next_is_lost ? guard : Duration{0}) > part.deadline;
    if (!bytes.empty() && !late) {
      return NextPart{.item = {.kind = SentItem::Kind::kMedia,
                               .generation = track.generation,
                               .again = of.next_is_lost,
                               .track = part.track,
                               .first = part.seq.value(),
                               .last = part.seq.value(),
                               .deadline = part.deadline},
                      .bytes = bytes};
    }
    take(priority);
    give_up(part.track, part.seq, late ? DropReason::kTooLate : DropReason::kOverwritten);
  }
  return std::nullopt;
}

void Egress::take(Priority priority) {
  Class& of = class_of(priority);
  if (of.next_is_lost) {
    of.lost.pop_front();
  } else {
    of.fresh.pop_part();
    retransmits_allowed_ =
        std::min(retransmits_allowed_ + kRetransmitsPerPart, kRetransmitsSavedMax);
  }
}

std::uint64_t Egress::queued_bytes() const {
  std::uint64_t sum = 0;
  for (const Class& of : classes_) sum += of.fresh.bytes();
  return sum;
}

const Egress::Track* Egress::find(TrackId track) const {
  const auto id = static_cast<std::size_t>(track);
  return id < tracks_.size() && tracks_[id].ring != nullptr ? &tracks_[id] : nullptr;
}

// Overload policy of the event queue: the newest is not told of; it stays counted.
void Egress::give_up(TrackId track, Seq seq, DropReason reason) {
  drops_.add(reason);
  ++parts_given_up_;
  if (!given_up_.push_back({track, seq})) drops_.add(DropReason::kQueueFull);
}

}  // namespace sluice::link
