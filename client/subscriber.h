// Subscriber: receives one stream over a joined link. It subscribes by name, takes the tracks from
// the STREAM events, assembles and orders frames in its jitter buffer, tells the relay what is
// missing and asks for a key frame when the chain broke. Sans-I/O: it is handed the link, its
// events and the time; what becomes of the frames is its owner's matter (cli/pull.cpp writes an
// FLV).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "client/jitter_buffer.h"
#include "client/stats.h"
#include "net/callback.h"
#include "proto/base/name.h"
#include "proto/base/time.h"
#include "proto/link/link.h"
#include "proto/wire/room_message.h"

namespace sluice::client {

class Subscriber {
 public:
  struct Config {
    StreamName stream;
    JitterBuffer::Config buffer;
    Instant started_at{};                    // of the join: first_frame_ms counts from here
    std::uint8_t priority = 0;               // among this link's subscriptions
    std::uint32_t video_bits_per_s_max = 0;  // 0: what fits
  };

  struct Handlers {
    /// The stream's tracks, when it comes up and when they change.
    net::Callback<const std::vector<wire::TrackDescription>&> on_tracks;
    /// A frame in order and decodable; views live during the call.
    net::Callback<const ReceivedFrame&> on_frame;
  };

  enum class State : std::uint8_t {
    kWaiting,  // for the answer, or for the stream
    kReceiving,
    kEnding,  // the stream went down; what is under way may still come
    kDone,    // everything that came was handed on, or the link ended
    kRefused,
  };

  Subscriber(Config config, const Handlers& handlers);

  /// SUBSCRIBE, for ClientLink::Config::first_commands.
  std::vector<std::byte> first_commands() const;

  /// The link was joined; it outlives what is called from here on.
  void attach(link::Link* link) { link_ = link; }

  void handle_event(Instant now, const link::Event& event);

  /// Hands frames on and reports; after each batch of events and at next_deadline().
  void handle_turn(Instant now);

  Instant next_deadline(Instant now) const { return buffer_.next_deadline(now); }

  State state() const { return state_; }

  /// Of kRefused and of a link that the relay ended.
  const Error& error() const { return error_; }

  /// Why kDone came about without an error, for people; empty when we left ourselves.
  std::string_view end_reason() const;

  /// B at present, in play-out mode.
  std::optional<Duration> play_out_delay() const;

  /// Why there are no pictures for now, for people; empty while there are.
  std::string_view pause() const;

  Stats& stats() { return stats_; }

  const Stats& stats() const { return stats_; }

 private:
  enum class End : std::uint8_t { kNone, kStreamDown, kRoomClosed, kRelayLeft };

  /// Media that overtook the STREAM message which names its track: that one was lost and comes
  /// again, the media will not.
  struct HeldPart {
    TrackId track{};
    std::vector<std::byte> part;
  };

  /// 2.5 MB: the cached GOP of 2 s at 8 Mbit/s. Half loses its end on a link of long round trips.
  static constexpr std::size_t kHeldPartsMax = 2048;

  void handle_media(Instant now, const link::MediaArrived& media);
  void take_held(Instant now);
  bool knows(TrackId track) const;
  void handle_message(Instant now, const link::MessageArrived& message);
  void handle_stream(Instant now, const wire::StreamEvent& event);
  void handle_sending(Instant now, const wire::Sending& sending);
  void handle_closed(const link::Closed& closed);
  void handle_answer(Instant now, const wire::SubscribeAnswer& answer);
  void hand_on(Instant now);
  void measure_latency(const ReceivedFrame& frame);
  void report(Instant now);

  Config config_;
  Handlers handlers_;
  link::Link* link_ = nullptr;
  State state_ = State::kWaiting;
  End end_ = End::kNone;
  Error error_;
  JitterBuffer buffer_;
  bool has_video_ = false;
  std::optional<wire::StreamHandle> handle_;  // of the stream received
  std::optional<wire::Sending> sending_;      // the newest word on its video
  std::optional<Instant> answered_at_;
  std::vector<wire::TrackDescription> tracks_;
  std::vector<HeldPart> held_;
  std::uint64_t skips_counted_ = 0;  // of the buffer's, in stats_ already
  Stats stats_;
};

}  // namespace sluice::client
