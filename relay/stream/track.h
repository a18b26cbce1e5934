// Track: one audio, video or data sequence as the relay keeps it: the ring of parts that
// subscribers are served from, the index of its frames, where its timestamps lie in our clock, and
// how much history is worth keeping (the GOP cache). A worker has one for each track it is the
// origin or a branch of. Parts come from a peer: every contradiction is a named drop and leaves the
// track as it was.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/wire/media_header.h"
#include "proto/wire/room_message.h"
#include "relay/allocation/layer_rates.h"
#include "relay/stream/frame_index.h"
#include "relay/stream/playout_base.h"

namespace sluice::relay {

/// History kept behind the newest part whatever happens: the longest play-out delay still gets its
/// retransmissions. Half cuts the patience of subscribers that asked for two seconds; double
/// doubles rings.
inline constexpr Duration kHistoryMin = std::chrono::seconds{2};

/// The longest GOP that is cached. Half makes joiners of 10 s GOPs wait for the next key frame;
/// double lets one stream hold twice the memory.
inline constexpr Duration kHistoryMax = std::chrono::seconds{12};

/// Key requests for one track go upstream once in this time (row: key-frame storms).
inline constexpr Duration kKeyRequestInterval = std::chrono::milliseconds{500};

class Track {
 public:
  struct Stored {
    const MediaFrameState* frame = nullptr;  // valid until the next ingest
    bool began = false;                      // first part seen of its frame
    bool completed = false;
  };

  struct Counters {
    std::uint64_t frames = 0, key_frames = 0, parts = 0, media_bytes = 0;
  };

  /// `budget` is what the rings of its stream share.
  explicit Track(wire::TrackDescription description, RingBudget* budget = nullptr)
      : description_(std::move(description)), ring_(kTrackRingPartsMax, budget) {}

  /// Takes a part in ring form. `keep_since`: parts of frames that arrived at or after it are worth
  /// growing the ring for. Errors: kMalformed, kFrameTooLarge, kDuplicatePart, kStalePart.
  Result<Stored> ingest(Instant arrival, Bytes part, Instant keep_since);

  /// The index of the frame a new subscriber starts with: video, the newest whole key frame that is
  /// still in the ring; data, the newest whole frame. Audio has none of its own: see audio_start().
  std::optional<std::size_t> start_frame() const;

  /// Audio: the first frame at or after `dts_ms`; without one the newest frame that carries
  /// configuration within the last 2 s, else the newest.
  std::optional<std::size_t> audio_start(std::optional<std::int64_t> dts_ms) const;

  /// When a frame is due on the shortest path, in our clock (P-TIME-01).
  Instant expected(const MediaFrameState& frame) const { return base_.expected(frame.dts_ms); }

  /// The lowest part number that may still be missing (P-FEEDBACK-03); gaps older than `patience`
  /// are not waited for any more.
  Seq oldest_open(Instant now, Duration patience);

  /// True when a key frame should be asked for now; at most once in kKeyRequestInterval.
  bool take_key_request(Instant now);

  const wire::TrackDescription& description() const { return description_; }

  TrackKind kind() const { return description_.kind; }

  const PacketRing& ring() const { return ring_; }

  const FrameIndex& frames() const { return frames_; }

  /// Of everything that comes, averaged over the last seconds.
  std::uint64_t bits_per_s(Instant now) { return rates_.bits_per_s(now, kLayerClasses - 1); }

  const Counters& counters() const { return counters_; }

 private:
  void begin_frame(MediaFrameState& frame, Instant arrival, Instant keep_since,
                   std::uint32_t dts_low);

  bool in_ring(const MediaFrameState& frame) const { return !ring_.find(frame.first).empty(); }

  wire::TrackDescription description_;
  PacketRing ring_;
  FrameIndex frames_;
  PlayoutBase base_;
  Counters counters_;
  LayerRates rates_;
  std::size_t keep_index_ = 0;  // frames before it are not worth growing the ring for
  std::optional<Seq> open_from_;
  Instant key_requested_at_ = kLongAgo;
};

}  // namespace sluice::relay
