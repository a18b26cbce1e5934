// SentPackets: every packet that was sent and is not settled yet, by packet number, with what it
// carried, so that a loss can be made good (P-DATA-02, P-DATA-05). A dense ring of numbers and, for
// the contents, a second ring in the same order: no list per packet. The link adds, loss.h settles.
// Full (kSentPacketsMax, kSentItemsMax): the caller gives the oldest packet up as lost first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/ring_queue.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::link {

/// Of so many packet numbers in a row at most one is left out (P-DATA-05).
inline constexpr std::uint64_t kSkipEvery = 1024;

/// One thing in a packet that matters again when the packet is lost, or when it is not.
struct SentItem {
  enum class Kind : std::uint8_t { kMedia, kControl, kKeyRequest, kSkip, kRepair };

  Kind kind = Kind::kMedia;
  std::uint8_t generation = 0;  // kMedia, kRepair: of the egress track's opening
  bool again = false;           // was sent before
  TrackId track{};              // kControl: the stream
  std::uint32_t first = 0;  // part number; kControl: offset; kSkip: first part; kRepair: equation
  std::uint32_t last = 0;   // kControl: bytes; kSkip: last part
  Instant deadline{};       // kMedia
};

struct SentPacket {
  enum class State : std::uint8_t { kOpen, kAcknowledged, kLost, kSkipped };

  Instant sent_at{};
  std::uint32_t first_item = 0;  // running index into the items
  std::uint16_t bytes = 0;
  std::uint8_t item_count = 0;
  State state = State::kOpen;
  bool asks_feedback = false;

  bool open() const { return state == State::kOpen && asks_feedback; }
};

class SentPackets {
 public:
  /// Items of one packet at most; a bundle stops taking parts there.
  static constexpr std::size_t kItemsPerPacketMax = 64;

  /// The number the next packet will have.
  PacketNumber next_number() const { return next_; }

  /// Room for one more packet, whatever it carries.
  bool has_room() const {
    return !packets_.full() && items_.size() + kItemsPerPacketMax <= kSentItemsMax;
  }

  /// Stages an item of the packet that commit() will add.
  void add_item(const SentItem& item);

  std::size_t staged_items() const { return staged_; }

  /// Records next_number() as sent, with the items staged. Requires has_room().
  void commit(Instant now, std::size_t bytes, bool asks_feedback);

  /// next_number() is never sent (P-DATA-05). Requires has_room().
  void skip_number(Instant now);

  /// Lowest number still held; equals next_number() when nothing is.
  PacketNumber begin() const { return {next_.value - packets_.size()}; }

  bool empty() const { return packets_.empty(); }

  /// `number` in [begin(), next_number()).
  SentPacket& at(PacketNumber number) { return packets_[number.value - begin().value]; }

  const SentPacket& at(PacketNumber number) const { return packets_[number.value - begin().value]; }

  const SentItem& item(const SentPacket& packet, std::size_t index) const {
    return items_[packet.first_item + static_cast<std::uint32_t>(index) - first_item_];
  }

  /// A run, or the FEEDBACK of one, is about to come: a hint.
  void prefetch_tables() const {
    packets_.prefetch_ends(kRunPacketsMax / 2);
    items_.prefetch_ends(kRunPacketsMax / 2);
  }

  /// Forgets settled packets at the front, and feedback-only ones older than kForgetAfter.
  void drop_settled(Instant now);

  /// The oldest packet that asks for feedback and is neither acknowledged nor lost. Amortised O(1).
  std::optional<PacketNumber> oldest_open() const;

  /// True when a number in [first, last] was skipped: only the newest kSkippedKept are known, which
  /// is more than the ring holds.
  bool any_skipped(PacketNumber first, PacketNumber last) const;

  /// Skipped numbers in (first, last], among those known.
  std::uint64_t skipped_between(PacketNumber first, PacketNumber last) const;

 private:
  /// As many as the ring can hold, and some more.
  static constexpr std::size_t kSkippedKept = kSentPacketsMax / kSkipEvery + 4;

  /// Feedback-only packets are seldom acknowledged; this long they may still give a sending time.
  static constexpr Duration kForgetAfter = std::chrono::milliseconds{500};

  RingQueue<SentPacket> packets_{kSentPacketsMax};
  RingQueue<SentItem> items_{kSentItemsMax};
  PacketNumber next_{};
  std::uint32_t first_item_ = 0, next_item_ = 0;  // running indexes; wrap together
  std::uint8_t staged_ = 0;
  mutable std::uint64_t oldest_open_from_ = 0;  // no open packet below
  std::array<std::uint64_t, kSkippedKept> skipped_{};
  std::uint64_t skipped_count_ = 0;
};

}  // namespace sluice::link
