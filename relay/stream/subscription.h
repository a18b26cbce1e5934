// Subscription: one member's interest in one stream. It gives the stream's tracks the member's own
// track ids, starts the member with the cached GOP, judges each media frame once, and hands what is
// forwarded to the member's endpoint with the instant until which it is of use. Owned by its
// stream.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/time.h"
#include "proto/wire/room_message.h"
#include "relay/metrics.h"
#include "relay/room/member.h"
#include "relay/stream/frame_verdicts.h"
#include "relay/stream/rendition_choice.h"

namespace sluice::relay {

class Stream;

/// Play-out delay of a subscriber that has named none.
inline constexpr Duration kPlayOutDefault = std::chrono::seconds{2};
inline constexpr Duration kPlayOutMax = std::chrono::seconds{10};

/// A part that has just come is sent once, whatever its timestamp says, if that is possible within
/// this: a pusher's clock that stood still must not make its media too late for ever. More would
/// promise retransmissions that a short play-out delay does not wait for.
inline constexpr Duration kDeadlineMin = std::chrono::milliseconds{20};

/// A key frame of a smaller rendition is awaited so long where the pusher makes one on request;
/// then the cached one has to do. Half asks encoders for pictures that nobody takes; double lets a
/// queue grow twice as long.
inline constexpr Duration kSwitchPatience = std::chrono::milliseconds{500};

class Subscription {
 public:
  /// Opens an egress track for each track that `rule` wants, as far as the member has ids left.
  Subscription(Member& member, Stream& stream, const Member::Rule& rule, WorkerMetrics& metrics);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// The STREAM message that must go before media, with the member's own track ids.
  wire::StreamEvent announcement() const;

  /// Sends the cached parts: video from the last whole key frame of the rendition wanted on, or of
  /// another that has one; audio from the same time on.
  void start(Instant now);

  /// Told by the allocator (P-REND-02): the place of the rendition in renditions(), nothing to
  /// pause. Repeated as time goes on, it also sees to a switch that waits.
  void want(Instant now, std::optional<Rendition> rendition, wire::Sending::Reason reason);

  /// The stream's tracks that are renditions of its picture and have an id here, the best first.
  std::span<const std::uint8_t> renditions() const { return renditions_; }

  const RenditionChoice& choice() const { return choice_; }

  void set_rule(const Member::Rule& rule);

  std::uint8_t priority() const { return priority_; }

  std::uint32_t video_bits_per_s_max() const { return video_bits_per_s_max_; }

  /// Parts [first, first + count) of one frame have come.
  void forward(Instant now, std::size_t track, const MediaFrameState& frame, Seq first,
               std::uint16_t count);

  /// forward() will come soon, after others': a hint.
  void prefetch(Ahead ahead) const {
    if (ahead == Ahead::kFar) {
      member_.prefetch();
      sluice::prefetch(tracks_.data(), 2 * kCacheLineBytes);
    } else {
      member_.link().prefetch_queue();
    }
  }

  /// Parts first..last will not come.
  void skip(std::size_t track, Seq first, Seq last);

  /// The subscriber said how long it waits with playing.
  void set_play_out(Duration delay);

  /// What the subscriber's FEEDBACK says of a track (P-FEEDBACK-03).
  void handle_report(std::size_t track, const link::TrackReported& report);

  /// By its reports the subscriber waits for no part up to the newest of any track.
  bool has_everything() const;

  /// B of P-TIME-01.
  Duration play_out() const { return play_out_; }

  /// What B leaves for the uplink: P-TIME-02.
  Duration uplink_patience() const;

  Member& member() const { return member_; }

  Stream& stream() const { return stream_; }

  bool wants(std::size_t track) const { return tracks_[track].has_value(); }

 private:
  struct EgressTrack {
    TrackId id{};
    FrameVerdicts verdicts;
    std::optional<Seq> oldest_open = std::nullopt;  // as last reported
    std::optional<Seq> sent_end = std::nullopt;     // behind the newest part with a verdict
  };

  Rendition rendition_of(std::size_t track) const;
  bool is_sent(std::size_t track) const;
  bool admits(Instant now, std::size_t track, const MediaFrameState& frame);
  bool switch_to(Instant now, Rendition rendition, std::size_t first_frame);
  std::optional<std::int64_t> start_video(Instant now);
  bool start_from_cache(Instant now, Rendition rendition);
  bool announce(std::optional<Rendition> rendition, wire::Sending::Reason reason);
  void see_to_switch(Instant now);
  void pause(bool paused);
  void start_track(Instant now, std::size_t track, std::size_t first_frame);
  void queue_stored(Instant now, std::size_t track, Seq from, Seq end);
  Queue queue_state(Instant now, TrackKind kind, Instant deadline) const;
  void note_shed(std::size_t track, Seq first, std::uint16_t count);
  void drop(Instant now, std::size_t track, const MediaFrameState& frame, DropReason reason);

  Member& member_;
  Stream& stream_;
  WorkerMetrics& metrics_;
  // By track of the stream; unset: not wanted, or no id was left.
  std::vector<std::optional<EgressTrack>> tracks_;
  std::vector<std::uint8_t> renditions_;
  RenditionChoice choice_;
  wire::Sending::Reason reason_ = wire::Sending::Reason::kAsWanted;
  bool announced_ = false;  // SENDING was sent: it says what is shown from then on
  bool paused_ = false;
  Instant switch_until_ = kNever;  // of a switch that cannot wait for the next key frame
  std::uint8_t priority_ = 0;
  std::uint32_t video_bits_per_s_max_ = 0;
  Duration play_out_;
  Instant starting_until_ = kLongAgo;
};

}  // namespace sluice::relay
