// Egress: all media that waits to leave a link: the open tracks with the rings they are read from,
// and for each priority the parts never sent yet and those lost and to be sent again. It decides
// which part is next and which can no longer be sent; those are given up by name, never silently.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/link/drop_counts.h"
#include "proto/link/egress_queue.h"
#include "proto/link/link_types.h"
#include "proto/link/retransmit.h"
#include "proto/link/sent_packets.h"

namespace sluice::link {

inline constexpr std::size_t kPriorities = 4;

/// Parts that may go again for each that went once: two thirds of all packets may be lost. A
/// receiver that says it misses everything would else have each part sent again until its deadline,
/// on a short path hundreds of times.
inline constexpr std::uint32_t kRetransmitsPerPart = 2;

/// What of that may be saved up, for an outage: 2 s of 10 Mbit/s; and what there is at the start.
inline constexpr std::uint32_t kRetransmitsSavedMax = 2048;
inline constexpr std::uint32_t kRetransmitsAtStart = 64;

/// The part a packet should carry next, in ring form. `bytes` lies in its ring.
struct NextPart {
  SentItem item;
  Bytes bytes;
};

class Egress {
 public:
  explicit Egress(DropCounts& drops) : drops_(drops) {}

  void open_track(TrackId track, const PacketRing* ring, Priority priority);
  void close_track(TrackId track);

  /// kUnknownTrack, kQueueFull.
  Status<> queue(TrackId track, Seq first, std::uint32_t count, Instant deadline);

  /// A packet with this part was lost: it goes again when that can still be `guard` before its
  /// deadline, else it is given up (P-RETX-01).
  void on_lost(Instant now, Duration guard, const SentItem& item);

  bool empty(Priority priority) const {
    const Class& of = classes_[static_cast<std::size_t>(priority)];
    return of.fresh.empty() && of.lost.empty();
  }

  bool empty() const;

  /// What goes next within a priority: the nearer deadline of the oldest fresh part and the most
  /// urgent lost one. Gives up whatever stands before it and cannot be sent.
  std::optional<NextPart> peek(Instant now, Duration guard, Priority priority);

  /// Takes what peek() just returned.
  void take(Priority priority);

  /// Bytes of first transmissions that wait.
  std::uint64_t queued_bytes() const;

  RingQueue<GaveUp>& given_up() { return given_up_; }

  std::uint64_t parts_given_up() const { return parts_given_up_; }

 private:
  struct Track {
    const PacketRing* ring = nullptr;  // null: not open
    Priority priority = Priority::kBase;
    std::uint8_t generation = 0;  // of the opening: what an earlier one sent is not sent again
  };

  struct Class {
    EgressQueue fresh;
    RetransmitQueue lost;
    bool next_is_lost = false;  // what peek() chose
  };

  const Track* find(TrackId track) const;

  Class& class_of(Priority priority) { return classes_[static_cast<std::size_t>(priority)]; }

  void give_up(TrackId track, Seq seq, DropReason reason);

  DropCounts& drops_;
  std::vector<Track> tracks_;  // by id; ids are handed out from 0 upwards
  std::array<Class, kPriorities> classes_;
  std::uint32_t retransmits_allowed_ = kRetransmitsAtStart;
  RingQueue<GaveUp> given_up_{kGaveUpEventsMax};
  std::uint64_t parts_given_up_ = 0;
};

}  // namespace sluice::link
