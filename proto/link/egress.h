// Egress: all media that waits to leave a link: the open tracks with the rings they are read from
// and what watches over their recovery, and for each priority the parts never sent yet, those lost
// and to be sent again, and coded repairs. It decides what is next and what can no longer be sent;
// that is given up by name, never silently.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/link/drop_counts.h"
#include "proto/link/egress_queue.h"
#include "proto/link/link_types.h"
#include "proto/link/repair_controller.h"
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

/// What a packet should carry next: a part in ring form, `bytes` lies in its ring; or a repair over
/// parts of `ring`.
struct NextPart {
  SentItem item;
  Bytes bytes{};
  const PendingRepair* repair = nullptr;
  const PacketRing* ring = nullptr;
};

/// Consecutive parts of a track that were sent, all of them in its ring or overwritten since.
struct CodingWindow {
  TrackId track{};
  const PacketRing* ring = nullptr;
  Seq first;
  std::uint16_t span = 0;
};

/// Parts that a repair made for a probe names at the most: what may still be open of them is in the
/// last 200 ms of 2 Mbit/s.
inline constexpr std::uint16_t kProbeSpanMax = 48;

class Egress {
 public:
  explicit Egress(DropCounts& drops) : drops_(drops) {}

  void open_track(TrackId track, const PacketRing* ring, Priority priority);
  void close_track(TrackId track);

  /// kUnknownTrack, kQueueFull.
  Status<> queue(TrackId track, Seq first, std::uint32_t count, Instant deadline);

  // What became of parts and repairs (kMedia, kRepair).

  void on_acknowledged(const SentItem& item);

  /// A packet with this part was lost: it goes again while it can still arrive in time and nothing
  /// else makes up for it, else it is given up (P-RETX-01).
  void on_lost(const PathView& path, const SentItem& item);

  /// The receiver waits for nothing of the track before `oldest_open`.
  void on_report(const PathView& path, TrackId track, Seq oldest_open);

  /// When guard() has something to do (P-REPAIR-03); kNever without loss.
  Instant next_guard(const PathView& path) const;

  /// Something waits that is of no use when it waits for the pacer: the last round has begun.
  bool urgent(const PathView& path, Priority priority) const;

  /// The last round of the frames whose time it is.
  void guard(const PathView& path);

  /// Forgets what is past. Call with each feedback.
  void drop_past(const PathView& path);

  /// Media frames sent and missed, of all tracks.
  std::array<MissCount, kMissClasses> misses() const;

  bool empty(Priority priority) const {
    const Class& of = classes_[static_cast<std::size_t>(priority)];
    return of.empty();
  }

  bool empty() const;

  /// What goes next within a priority: the nearest deadline of the oldest fresh part, the most
  /// urgent lost one and the oldest repair. Gives up whatever stands before it and cannot be sent.
  std::optional<NextPart> peek(const PathView& path, Priority priority);

  /// Takes what peek() just returned: it is sent.
  void take(const NextPart& part);

  /// Takes the repair that peek() just returned: it cannot be made.
  void drop_repair(const NextPart& part);

  /// Media will be queued, sent or acknowledged soon: a hint.
  void prefetch_tables() const {
    for (const Class& of : classes_) of.fresh.prefetch_front();
    for (const Track& track : tracks_) {
      if (track.recovery != nullptr) track.recovery->prefetch_state();
    }
  }

  /// The newest parts of the video track that has the longest row of them; nothing before the
  /// first.
  std::optional<CodingWindow> newest_parts() const;

  /// Bytes of first transmissions that wait.
  std::uint64_t queued_bytes() const { return queued_bytes_; }

  RingQueue<GaveUp>& given_up() { return given_up_; }

  std::uint64_t parts_given_up() const { return parts_given_up_; }

 private:
  struct Track {
    const PacketRing* ring = nullptr;  // null: not open
    Priority priority = Priority::kBase;
    std::uint8_t generation = 0;  // of the opening: what an earlier one sent is not sent again
    std::unique_ptr<RepairController> recovery;
    Seq row_end;            // behind the newest part sent
    std::uint16_t row = 0;  // parts before it, without a gap
  };

  struct Class {
    explicit Class(std::uint64_t& queued_bytes) : fresh(queued_bytes) {}

    EgressQueue fresh;
    RetransmitQueue lost;
    RepairQueue repairs{kPendingRepairsMax};

    bool empty() const { return fresh.empty() && lost.empty() && repairs.empty(); }
  };

  Track* find(TrackId track);
  Track* find_opening(const SentItem& item);
  std::optional<NextPart> peek_lost(const PathView& path, Class& of);
  std::optional<NextPart> peek_repair(const PathView& path, Class& of);
  std::optional<NextPart> peek_fresh(const PathView& path, Class& of);

  Class& class_of(Priority priority) { return classes_[static_cast<std::size_t>(priority)]; }

  RecoveryQueues queues_of(Priority priority) {
    return {class_of(priority).lost, class_of(priority).repairs, retransmits_allowed_};
  }

  static bool too_late(const PathView& path, Instant deadline);
  void give_up(TrackId track, Seq seq, DropReason reason);

  DropCounts& drops_;
  std::vector<Track> tracks_;       // by id; ids are handed out from 0 upwards
  std::uint64_t queued_bytes_ = 0;  // of all classes' fresh parts
  std::array<Class, kPriorities> classes_{Class{queued_bytes_}, Class{queued_bytes_},
                                          Class{queued_bytes_}, Class{queued_bytes_}};
  std::uint32_t retransmits_allowed_ = kRetransmitsAtStart;
  RingQueue<GaveUp> given_up_{kGaveUpEventsMax};
  std::uint64_t parts_given_up_ = 0;
  std::array<MissCount, kMissClasses> misses_before_{};  // of tracks closed since
};

}  // namespace sluice::link
