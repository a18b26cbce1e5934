#include "client/frame_table.h"

#include <algorithm>
#include <iterator>

#include "proto/base/check.h"

namespace sluice::client {
namespace {

/// Ranges of SKIP remembered until the head has passed them. More than a handful open at once means
/// that the relay drops everything: then giving up by time does the same.
constexpr std::size_t kSkipsMax = 64;

}  // namespace

Result<const FrameTable::Entry*> FrameTable::add(Instant now, const Part& part) {
  if (const auto checked = wire::check_part(part.media); !checked) {
    return Unexpected{checked.error()};
  }
  const Seq seq = part.media.header.seq;
  if (has(seq)) return Unexpected{DropReason::kDuplicatePart};
  if (next_ && next_->newer_than(seq)) {
    if (const auto kept = keep(part); !kept) return Unexpected{kept.error()};
    return Unexpected{DropReason::kStalePart};
  }
  if (entries_.size() >= kEntriesMax) return Unexpected{DropReason::kQueueFull};
  const auto entry = find_or_insert(now, part);
  if (entry == entries_.end()) return Unexpected{DropReason::kMalformed};
  if (const auto fits = entry->shape.add(part.media); !fits) return Unexpected{fits.error()};
  if (const auto kept = keep(part); !kept) return Unexpected{kept.error()};
  ++entry->have;
  entry->recovered = entry->recovered || part.recovered;
  if (entry->whole()) entry->whole_at = now;
  return &*entry;
}

Status<> FrameTable::keep(const Part& part) {
  // Everything from the next frame in order on may still come: its slots are kept free.
  const Seq seq = part.media.header.seq;
  const Seq open = next_.value_or(entries_.empty() ? seq : entries_.front().first());
  switch (ring_.insert(seq, part.ring_form, open - history_parts_)) {
    case PacketRing::Insert::kStored:
      return Done{};
    case PacketRing::Insert::kDuplicate:
      return Unexpected{DropReason::kDuplicatePart};
    case PacketRing::Insert::kStale:
      break;
  }
  return Unexpected{DropReason::kStalePart};
}

/// The frame of `part`, made when it is its first; end() when it overlaps another one.
FrameTable::Entries::iterator FrameTable::find_or_insert(Instant now, const Part& part) {
  const wire::MediaHeader& header = part.media.header;
  const Seq first = header.first_seq();
  // Nearly always the newest frame or the one before it: searched from the back.
  auto after = entries_.end();
  while (after != entries_.begin() && !first.newer_than(std::prev(after)->first())) {
    --after;
    if (after->first() == first) return after;
  }
  if (after != entries_.begin() && !first.newer_than(std::prev(after)->last())) {
    return entries_.end();
  }
  if (after != entries_.end() && !after->first().newer_than(header.last_seq())) {
    return entries_.end();
  }
  if (next_ && next_->newer_than(first)) return entries_.end();
  Entry entry{.shape = wire::FrameShape{part.media}};
  entry.keyframe = header.keyframe;
  entry.discardable = header.discardable;
  entry.dep = header.dep;
  entry.dts_ms = part.dts_ms;
  entry.first_arrival = now;
  return entries_.insert(after, entry);
}

void FrameTable::skip(Seq from, Seq to) {
  if (from.newer_than(to) || (next_ && next_->newer_than(to))) return;
  if (skips_.size() == kSkipsMax) skips_.erase(skips_.begin());
  skips_.push_back({from, to});
  // A frame that lost a part to the range cannot become whole.
  std::erase_if(entries_, [&](const Entry& e) {
    return !e.whole() && !from.newer_than(e.last()) && !e.first().newer_than(to);
  });
}

Seq FrameTable::behind_skips(Seq at) const {
  for (bool moved = true; moved;) {
    moved = false;
    for (const Range& range : skips_) {
      if (range.from.newer_than(at) || at.newer_than(range.to)) continue;
      at = range.to + 1;
      moved = true;
    }
  }
  return at;
}

bool FrameTable::head_follows() const {
  if (!next_ || entries_.empty()) return false;
  return !entries_.front().first().newer_than(behind_skips(*next_));
}

void FrameTable::begin_at_head() {
  CHECK(!entries_.empty());
  next_ = entries_.front().first();
}

Result<wire::MediaFrameView> FrameTable::read_head() {
  CHECK(!entries_.empty());
  const Entry& entry = entries_.front();
  unit_.resize(std::max(unit_.size(), entry.shape.count() * kPartBytesMax));
  wire::Reassembler reassembler{unit_};
  for (std::uint32_t i = 0; i < entry.shape.count(); ++i) {
    const Bytes part = ring_.find(entry.first() + i);
    if (part.size() < kMediaHeaderBytes) return Unexpected{DropReason::kOverwritten};
    const auto header = wire::decode_media_header(part.first<kMediaHeaderBytes>());
    const auto added = reassembler.add({header, part.subspan(kMediaHeaderBytes)});
    if (!added) return Unexpected{added.error()};
  }
  return reassembler.finish();
}

void FrameTable::pop_head() {
  CHECK(!entries_.empty());
  const Seq next = entries_.front().last() + 1;
  next_ = next;
  entries_.pop_front();
  std::erase_if(skips_, [&](const Range& range) { return next.newer_than(range.to); });
}

void FrameTable::forget() {
  forgotten_ = entries_.empty() ? next_.value_or(forgotten_) : entries_.back().last() + 1;
  entries_.clear();
  skips_.clear();
  next_.reset();
}

Seq FrameTable::oldest_open() const {
  Seq open = next_.value_or(entries_.empty() ? forgotten_ : entries_.front().first());
  open = behind_skips(open);
  for (const Entry& entry : entries_) {
    if (entry.first() != open) return open;
    if (!entry.whole()) break;
    open = behind_skips(entry.last() + 1);
  }
  // Inside an incomplete frame: the first part of it that is not here.
  while (!ring_.find(open).empty()) ++open;
  return open;
}

}  // namespace sluice::client
