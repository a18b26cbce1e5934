// JitterBuffer: decides when a received frame is handed on, and what is given up. Two modes.
// Complete (the default): frames leave in order, tracks interleaved by dts; what is missing is
// waited for, for `delay` (2 s) from the arrival of what stands behind it; nothing that arrives
// within is lost. Play-out: frame by frame at base + dts + B (P-TIME-01), each track by its own
// clock (media_clock.h), so that sound never waits for pictures; what is not whole by then is given
// up. B is fixed, or chosen by what the path does (play_out_delay.h). In both, a video frame leaves
// only when what it depends on has left (P-MEDIA-05), and a broken chain asks for a key frame.
// Sans-I/O: time is an argument.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "client/frame_table.h"
#include "client/media_clock.h"
#include "client/part_gaps.h"
#include "client/play_out_delay.h"
#include "proto/base/ids.h"
#include "proto/base/media.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/wire/fragment.h"

namespace sluice::client {

enum class PlayMode : std::uint8_t { kComplete, kPlayOut };

/// Patience of complete mode: five round trips of a bad mobile path. Half gives up what a second
/// retransmission would have brought; double delays everything behind a real loss for longer.
inline constexpr Duration kPatience = std::chrono::seconds{2};

/// A frame that is handed on. Views live until the next call of the buffer.
struct ReceivedFrame {
  TrackId track{};
  TrackKind kind = TrackKind::kVideo;
  wire::MediaFrameView media;
  Instant whole_at{};  // arrival of its last part
};

class JitterBuffer {
 public:
  struct Config {
    PlayMode mode = PlayMode::kComplete;
    Duration delay = kPatience;  // patience of complete mode, fixed B of play-out mode
    std::optional<PlayOutDelay::Bounds> adaptive{};  // play-out mode: B is chosen within these
  };

  struct Counters {
    std::uint64_t late_frames = 0;      // given up, and parts of them came afterwards
    std::uint64_t skipped_frames = 0;   // given up, or of a broken chain; unseen ones by their dts
    std::uint64_t parts_behind = 0;     // newer ones of the track had come before
    std::uint64_t parts_recovered = 0;  // of those: missed for a round trip at the least
    std::uint64_t parts_again = 0;      // came twice
  };

  explicit JitterBuffer(Config config);

  /// Adding a track again forgets what it held.
  void add_track(TrackId id, TrackKind kind);

  /// Of several video tracks this one is shown; none: paused. The others are held: what came of
  /// them waits for its turn, is not waited for and not given up. The one shown before goes on
  /// until the first key frame of this one leaves. Until the first call all tracks leave side by
  /// side.
  void show(Instant now, std::optional<TrackId> video);

  /// The parts of a track as they came, for what rebuilds lost ones from them; nothing for a track
  /// that is not known. It lives until the track is added again.
  const PacketRing* ring(TrackId track) const;

  /// Smoothed round trip of the link.
  void set_round_trip(Duration rtt);

  /// A part as link::MediaArrived brings it. Errors: kUnknownTrack and those of FrameTable::add().
  Status<> handle_part(Instant now, TrackId track, Bytes ring_form, bool revived = false);

  void handle_skip(Instant now, TrackId track, Seq from, Seq to);

  /// Nothing new will be pushed; what is under way may still come.
  void handle_end(Instant now);

  /// The next frame that may leave now.
  std::optional<ReceivedFrame> poll_frame(Instant now);

  /// A track that needs a key frame, told once for each broken chain; again only when none has come
  /// in the time that an answer takes.
  std::optional<TrackId> poll_key_request(Instant now);

  /// The delay in force, for FEEDBACK: B, or what the beginning of a stream is given beyond it; the
  /// patience of complete mode.
  Duration delay(Instant now) const;

  /// B as it was chosen; the patience of complete mode.
  Duration play_out_delay() const;

  /// The least and the largest delay, for SUBSCRIBE.
  PlayOutDelay::Bounds delay_bounds() const;

  /// When poll_frame() may have something although nothing arrives.
  Instant next_deadline(Instant now) const;

  /// After handle_end(): everything has left or was given up.
  bool drained(Instant now) const;

  /// For FEEDBACK, by track in the order of add_track().
  struct Report {
    TrackId track{};
    Seq oldest_open;
  };

  std::size_t track_count() const { return tracks_.size(); }

  Report report(std::size_t index) const;

  const Counters& counters() const { return counters_; }

  const Config& config() const { return config_; }

 private:
  /// What a frame that has left or was given up means for those behind it.
  struct Past {
    Seq last;
    bool decodable = false;
  };

  struct Track {
    Track(TrackId track_id, TrackKind track_kind, std::size_t ring_parts_max)
        : id(track_id), kind(track_kind), table(ring_parts_max) {}

    TrackId id;
    TrackKind kind;
    FrameTable table;
    MediaClock clock;
    PartGaps gaps;
    // A stream begins with a cached GOP in a burst, or after a pause: frames that came until then
    // are older than the shortest path says.
    Instant burst_until = kLongAgo;
    /// dep reaches 254 parts back, so at most 254 frames.
    std::array<Past, 256> past{};
    std::size_t past_count = 0;
    bool started = false;                      // a frame has left
    bool catching_up = false;                  // it took the place of another, perhaps late
    bool chain_whole = false;                  // everything since the key frame has left
    Instant key_request_at = kNever;           // a key frame is wanted, and asked for then
    std::optional<std::uint32_t> last_dts_ms;  // of the newest frame that left or was given up
    std::uint32_t step_ms = 0;                 // dts between the two newest frames
    std::array<std::optional<Seq>, 64> given_up{};
    std::size_t given_up_count = 0;
  };

  enum class Head : std::uint8_t { kReady, kWaiting, kEmpty };

  Track* find(TrackId id);
  bool is_idle(const Track& track) const;
  bool is_late(const Track& track, Instant arrival, std::uint32_t dts_ms) const;
  void forget_leftovers(Instant now, Track& track);
  void forget(Track& track);
  void note_shown(const Track& track);
  void note_arrival(Instant now, Track& track, std::uint32_t dts_ms);
  bool note_revived(Instant now, Track& track, Seq seq);
  bool note_gaps(Instant now, Track& track, Seq seq, std::uint32_t dts_ms);
  Head settle_head(Instant now, Track& track);
  bool decodable(const Track& track, const FrameTable::Entry& entry) const;
  Duration start_hold() const;
  Duration start_patience() const;
  Duration interleave_hold(const Track& other) const;
  static bool in_burst(const Track& track, const FrameTable::Entry& head);
  Instant gap_until(const Track& track, const FrameTable::Entry& head) const;
  Instant whole_until(const Track& track, const FrameTable::Entry& head) const;
  Instant leaves_at(const Track& track, const FrameTable::Entry& head) const;
  Instant play_at(const Track& track, const FrameTable::Entry& head) const;
  bool leaves_before(const Track& a, const Track& b) const;
  bool must_wait_for(Instant now, const Track& other, Head state, const Track& chosen_track) const;
  std::uint64_t unseen_frames(const Track& track, const FrameTable::Entry& head) const;
  void give_up_gap(Track& track);
  void give_up_head(Track& track);
  void pass_head(Track& track, bool left);
  void break_chain(Track& track);
  std::optional<ReceivedFrame> take(Track& track);
  void note_late(Track& track, Seq first);

  Config config_;
  PlayOutDelay play_out_;
  Duration round_trip_ = std::chrono::milliseconds{50};
  std::vector<std::unique_ptr<Track>> tracks_;
  std::vector<Head> states_;        // of the tracks, during poll_frame()
  bool choosing_ = false;           // show() was called
  std::optional<TrackId> shown_;    // or to be shown, once it has a key frame
  std::optional<TrackId> showing_;  // whose pictures leave until then
  std::optional<std::uint32_t> dts_reference_ms_;
  Instant ended_at_ = kNever;
  Counters counters_;
};

}  // namespace sluice::client
