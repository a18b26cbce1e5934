// CellLedger: judges the frames of one track at one subscriber by the definitions of a cell, apart
// from what the subscriber itself thinks of them. A frame is *whole* when all its parts are there
// by base + dts + B, where base is the least arrival - dts of the last 5 to 10 s (P-TIME-01) and B
// the play-out delay; *decodable* when it is whole and what it depends on is decodable. What the
// subscriber handed on is compared with that. Fed in the order of time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "bench/link/cell_feed.h"
#include "client/histogram.h"
#include "proto/base/time.h"
#include "proto/wire/media_header.h"

namespace sluice::bench {

/// The least arrival - dts of a track.
class ArrivalBase {
 public:
  void add(Instant arrival, std::uint32_t dts_ms);

  /// When a frame of this dts comes on the shortest path; kNever before anything came.
  Instant expected(std::uint32_t dts_ms) const;

 private:
  Instant present_ = kNever, before_ = kNever;
  Instant turned_at_ = kLongAgo;
};

struct FrameCounts {
  std::uint64_t sent = 0, missed = 0;

  void add(bool whole) { ++sent, missed += whole ? 0U : 1U; }

  FrameCounts& operator+=(const FrameCounts& other);
};

struct LedgerFigures {
  FrameCounts frames, key_frames, base_frames;  // base: layer 0
  std::uint64_t decodable = 0;
  std::uint64_t judged_otherwise = 0;  // handed on and not decodable, or the reverse
  std::uint64_t media_bytes = 0;       // bodies of the frames sent
  client::Histogram latency_us;        // from push to the last part's arrival, of whole frames

  LedgerFigures& operator+=(const LedgerFigures& other);
};

class CellLedger {
 public:
  /// Frames pushed before `counted_from` are followed and not counted.
  CellLedger(Duration budget, Instant counted_from)
      : budget_(budget), counted_from_(counted_from) {}

  void on_sent(Instant at, const FeedFrame& frame);

  /// A part arrived; ones of frames that are past and ones that came before change nothing.
  void on_part(Instant now, const wire::MediaHeader& part);

  /// The subscriber handed the frame on.
  void on_played(std::uint32_t timestamp_ms);

  void set_budget(Duration budget) { budget_ = budget; }

  /// Everything is over: what is not whole is missed.
  void finish();

  const LedgerFigures& figures() const { return figures_; }

  struct Life {
    Instant sent, ended;  // ended: whole, or its time was up
  };

  /// Of each counted frame, in order: to hold the harness's own faults against.
  const std::vector<Life>& lives() const { return lives_; }

  void keep_lives() { keep_lives_ = true; }

 private:
  enum class State : std::uint8_t { kOpen, kWhole, kMissed };

  struct Frame {
    FeedFrame feed;
    Instant sent;
    State state = State::kOpen;
    bool played = false;
    std::vector<bool> seen;  // parts, while open
    std::size_t have = 0;
    Instant ended = kNever;
  };

  /// A frame that was decided may still be handed on for so long.
  static constexpr Duration kKept = std::chrono::milliseconds{500};

  /// Frames back to which a dependency can point.
  static constexpr std::size_t kRemembered = 1024;

  Instant deadline(const Frame& frame) const;
  Frame* find(std::uint32_t dts_ms);
  void settle(Instant now);
  void retire(const Frame& frame);

  ArrivalBase base_;
  Duration budget_;
  Instant counted_from_;
  std::deque<Frame> frames_;  // by number, contiguous
  std::size_t open_from_ = 0;
  std::vector<bool> decodable_ = std::vector<bool>(kRemembered);
  LedgerFigures figures_;
  bool keep_lives_ = false;
  std::vector<Life> lives_;
};

/// The ledgers of one subscriber: of the video, and of everything else as sound.
class CellLedgers {
 public:
  CellLedgers(Duration budget, Instant counted_from)
      : video_(budget, counted_from), audio_(budget, counted_from) {}

  CellLedger& of(TrackKind kind) { return kind == TrackKind::kVideo ? video_ : audio_; }

  void set_budget(Duration budget) {
    video_.set_budget(budget);
    audio_.set_budget(budget);
  }

  void finish() {
    video_.finish();
    audio_.finish();
  }

 private:
  CellLedger video_, audio_;
};

}  // namespace sluice::bench
