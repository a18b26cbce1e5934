// PacketRing: the parts of one track, by part number. A part lies at slot (seq mod capacity) as the
// plaintext MEDIA frame it will be sent as; whether a slot still holds the part one asks for is
// seen by comparing the number, so a reference to a part is just (track, seq) and can never dangle.
// The relay forwards, retransmits, codes and starts subscribers from it; a pusher keeps its sent
// parts in one. It starts small and doubles while the history it must keep does not fit, and the
// budget that it may share with other rings allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"

namespace sluice {

/// Memory that several rings grow into.
class RingBudget {
 public:
  explicit RingBudget(std::size_t bytes) : left_(bytes) {}

  bool take(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

  void give_back(std::size_t bytes) { left_ += bytes; }

  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

class PacketRing {
 public:
  enum class Insert : std::uint8_t { kStored, kDuplicate, kStale };

  /// `budget`, which outlives the ring, is asked for what it takes beyond its first size.
  explicit PacketRing(std::size_t parts_max = kTrackRingPartsMax, RingBudget* budget = nullptr)
      : parts_max_(parts_max), budget_(budget) {
    CHECK(parts_max >= kTrackRingPartsMin && (parts_max & (parts_max - 1)) == 0);
    slots_.resize(kTrackRingPartsMin);
    storage_ = make_storage();
  }

  ~PacketRing() {
    if (budget_ != nullptr) budget_->give_back(memory_bytes() - bytes_for(kTrackRingPartsMin));
  }

  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  /// Copies `part` (at most kPartPlaintextBytesMax bytes) in. A number that is held already, or
  /// that a newer one has overwritten, is refused: parts never change (P-MEDIA-02). Grows first
  /// when `seq` would overwrite a part at or after `keep_from`, or take the place of one that may
  /// still come.
  Insert insert(Seq seq, Bytes part, Seq keep_from) {
    CHECK(part.size() <= kPartPlaintextBytesMax);
    while (is_beyond(seq, keep_from) && grow()) {
    }
    Slot& slot = slot_of(seq);
    if (slot.bytes != 0) {
      if (slot.seq == seq) return Insert::kDuplicate;
      if (slot.seq.newer_than(seq)) return Insert::kStale;
    }
    slot = {seq, static_cast<std::uint16_t>(part.size())};
    std::memcpy(bytes_of(seq), part.data(), part.size());
    return Insert::kStored;
  }

  /// The part, or nothing when it was never stored or has been overwritten.
  Bytes find(Seq seq) const {
    const Slot& slot = slots_[index_of(seq)];
    if (slot.bytes == 0 || slot.seq != seq) return {};
    return {storage_.get() + index_of(seq) * kPartPlaintextBytesMax, slot.bytes};
  }

  std::size_t capacity() const { return slots_.size(); }

  std::size_t memory_bytes() const { return bytes_for(slots_.size()); }

 private:
  struct Slot {
    Seq seq;
    std::uint16_t bytes = 0;  // 0: empty; no part is
  };

  static constexpr std::size_t bytes_for(std::size_t slots) {
    return slots * (sizeof(Slot) + kPartPlaintextBytesMax);
  }

  std::size_t index_of(Seq seq) const { return seq.value() & (slots_.size() - 1); }

  Slot& slot_of(Seq seq) { return slots_[index_of(seq)]; }

  std::byte* bytes_of(Seq seq) { return storage_.get() + index_of(seq) * kPartPlaintextBytesMax; }

  /// Not cleared: two small parts with distant numbers make a ring grow to its limit, and must not
  /// cost the memory, or the time to clear it, before parts fill it. find() shows only what was
  /// stored.
  std::unique_ptr<std::byte[]> make_storage() const {
    return std::make_unique_for_overwrite<std::byte[]>(slots_.size() * kPartPlaintextBytesMax);
  }

  /// The parts from `keep_from` to `seq` need more slots than there are, and fit the limit: a jump
  /// of the numbers beyond it costs no memory.
  bool is_beyond(Seq seq, Seq keep_from) const {
    const std::int32_t distance = seq.distance_from(keep_from);
    return distance > 0 && static_cast<std::size_t>(distance) >= slots_.size() &&
           static_cast<std::size_t>(distance) < parts_max_;
  }

  /// False when the budget is used up: newer parts take the place of older ones.
  bool grow() {
    if (budget_ != nullptr && !budget_->take(memory_bytes())) return false;
    std::vector<Slot> old_slots(slots_.size() * 2);
    old_slots.swap(slots_);
    std::unique_ptr<std::byte[]> old_storage = make_storage();
    old_storage.swap(storage_);
    for (std::size_t i = 0; i < old_slots.size(); ++i) {
      if (old_slots[i].bytes == 0) continue;
      slot_of(old_slots[i].seq) = old_slots[i];
      std::memcpy(bytes_of(old_slots[i].seq), old_storage.get() + i * kPartPlaintextBytesMax,
                  old_slots[i].bytes);
    }
    return true;
  }

  std::size_t parts_max_;
  RingBudget* budget_;
  std::vector<Slot> slots_;
  std::unique_ptr<std::byte[]> storage_;
};

}  // namespace sluice
