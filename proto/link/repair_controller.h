// RepairController: how one egress track recovers within its deadlines (P-RETX-01, P-REPAIR-03). In
// the early rounds a lost part goes again as itself. In the last round, a guard before the deadline
// of a media frame, what is still open of it is made safe: lost parts go once more, then coded
// repairs over all that is open, as many as are worth their price (miss_price.h). Without loss it
// does nothing, has no deadline and costs no byte.
//
// What it decides goes into the queues of the track's priority; egress.h sends from there and tells
// it. Every table is bounded; beyond that the oldest is forgotten.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/limits.h"
#include "proto/base/ring_queue.h"
#include "proto/link/link_types.h"
#include "proto/link/miss_price.h"
#include "proto/link/retransmit.h"
#include "proto/link/source_parts.h"

namespace sluice::link {

/// What a link knows of its path, for those who decide by it.
struct PathView {
  Instant now{};
  Duration rtt{};              // smoothed
  Duration min_rtt{};          // smallest of late
  Duration guard{};            // kept before a deadline
  double loss = 0;             // share of packets; 0 while there is none
  double burst = 1;            // packets lost in a row, in the mean
  bool queue_is_full = false;  // what is lost now is lost for want of room
};

/// A repair that waits to be sent; it is coded when its turn comes.
struct PendingRepair {
  std::uint32_t equation = 0;
  TrackId track{};
  std::uint8_t generation = 0;
  std::uint16_t seed = 0;
  Seq first;
  std::uint16_t span = 0;
  std::uint8_t bitmap_bytes = 0;
  std::array<std::byte, kRepairBitmapBytesMax> bitmap{};
  Instant deadline{};
};

/// Repairs of one priority that wait. One round of a large key frame at 30 % loss fits twice.
inline constexpr std::size_t kPendingRepairsMax = 512;

/// Coded repairs for each part sent, at the most: with less the cells of 30 % loss and of one round
/// miss; with much more a path that lies about its losses doubles what we send.
inline constexpr double kRepairsPerPart = 0.8;

/// What is precious may overdraw that by this much.
inline constexpr double kPreciousOverdraft = 256;

/// Repairs that may go without media behind them, and what is saved up at the most.
inline constexpr double kRepairsAtStart = 32;
inline constexpr double kRepairsSavedMax = 128;

using RepairQueue = RingQueue<PendingRepair>;

/// Where decisions go.
struct RecoveryQueues {
  RetransmitQueue& lost;
  RepairQueue& repairs;
  std::uint32_t& retransmits_allowed;  // of the link, by what it sent for the first time
};

class RepairController {
 public:
  /// Audio is precious, whatever its frames say.
  void open(TrackId track, std::uint8_t generation, bool audio);

  // What was sent.

  void on_sent(Seq seq, Bytes ring_part, Instant deadline);
  void on_sent_again(Seq seq);
  void on_repair_sent(std::uint32_t equation);

  // What became of it.

  void on_acknowledged(Seq seq);
  void on_repair_settled(std::uint32_t equation, bool arrived);

  enum class Loss : std::uint8_t {
    kAgain,      // it goes again; the caller queues it
    kNeedless,   // the receiver has it or will have it, or it goes again already
    kTooLate,    // it cannot arrive in time any more
    kForgotten,  // not watched over: the caller decides by the deadline alone
  };

  Loss on_lost(const PathView& path, Seq seq);

  /// The receiver's word that it waits for nothing before `oldest_open`.
  void on_report(const PathView& path, Seq oldest_open);

  /// A part that was to go again is not sent.
  void on_dropped(Seq seq);

  bool settled(Seq seq);

  /// A hint.
  void prefetch_state() const { prefetch(this, sizeof *this); }

  // The last round.

  /// When guard() has something to do; kNever on a link without loss.
  Instant next_guard(const PathView& path) const;

  void guard(const PathView& path, RecoveryQueues queues);

  /// Forgets frames that are settled or past, and counts those that missed their deadline.
  void drop_past(const PathView& path);

  const std::array<MissCount, kMissClasses>& misses() const { return misses_; }

 private:
  struct Equation {
    enum class State : std::uint8_t { kWaits, kInFlight, kArrived, kGone };

    Seq first, last;
    State state = State::kWaits;
  };

  struct Window {
    Instant deadline{};
    MissClass miss_class{};
    std::size_t from = 0, count = 0;  // stretch of open_
  };

  void collect_open(const SourceFrame& frame);
  std::size_t window_end(std::size_t from) const;
  bool covered(const PathView& path, Seq seq);
  double make_safe(const PathView& path, const Window& window, RecoveryQueues queues);
  bool send_again(Seq seq, Instant deadline, RecoveryQueues queues);
  bool add_repair(const Window& window, RecoveryQueues queues);
  void forget_equations();
  Equation* find(std::uint32_t equation);

  TrackId track_{};
  std::uint8_t generation_ = 0;
  bool audio_ = false;
  SourceParts parts_;
  RingQueue<Equation> equations_{kEquationsKept};
  std::uint32_t first_equation_ = 0;  // running number of the oldest held
  std::uint16_t next_seed_ = 0;
  std::vector<Seq> open_;  // scratch
  double repairs_allowed_ = kRepairsAtStart;
  MissPrice price_;
  std::array<MissCount, kMissClasses> misses_{};

  /// Repairs whose arrival still matters.
  static constexpr std::size_t kEquationsKept = 512;
};

}  // namespace sluice::link
