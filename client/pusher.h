// Pusher: pushes one stream over a joined link. It announces the tracks, waits for the answer,
// splits media frames into parts that live in its rings for retransmission, and decides what to
// drop when the path carries less than is pushed: whole frames by dependency, never inside one.
// Sans-I/O: it is handed the link, its events and the time. Who reads and paces the source is its
// owner (cli/push.cpp).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "client/error.h"
#include "client/flv_demuxer.h"
#include "client/stats.h"
#include "proto/base/name.h"
#include "proto/base/packet_ring.h"
#include "proto/base/time.h"
#include "proto/link/link.h"
#include "proto/wire/fragment.h"
#include "proto/wire/room_message.h"

namespace sluice::client {

/// Media waiting for the path beyond which frames are dropped by name: what a live call can bear.
inline constexpr Duration kPushQueueMax = std::chrono::milliseconds{500};

/// Until the relay has said how long a lost part is worth sending again (P-TIME-02), and the
/// longest that is believed: the patience of a complete subscriber.
inline constexpr Duration kRecoverWithinMax = std::chrono::seconds{2};

class Pusher {
 public:
  struct Config {
    StreamName stream;
    std::vector<wire::TrackDescription> tracks;
    bool stamp = false;  // every frame carries our clock, for measurements on one host
    /// False: nothing is dropped for being late; the owner asks has_room() before each frame.
    bool live = true;
    /// The data track says only what the others look like: a ticket that does not allow it is no
    /// reason not to push.
    bool data_is_optional = false;
  };

  enum class State : std::uint8_t { kAnnounced, kPushing, kRefused, kFinishing, kDone };

  explicit Pusher(Config config);

  /// PUSH, for ClientLink::Config::first_commands.
  std::vector<std::byte> first_commands() const;

  /// The link was joined; it outlives what is called from here on.
  void attach(link::Link* link) { link_ = link; }

  void handle_event(const link::Event& event);

  State state() const { return state_; }

  /// Of kRefused; also the reason why the relay ended the link before we did.
  const Error& error() const { return error_; }

  /// The path takes more without queueing: for owners that push faster than in real time.
  bool has_room() const;

  /// Sends one frame, or drops and counts it. Frames of tracks that were not announced are dropped.
  void push(Instant now, const SourceFrame& frame);

  /// No more frames: what is under way is sent and recovered, then UNPUSH ends the stream and the
  /// link is closed.
  void finish(Instant now);

  /// After each batch of events and at next_deadline().
  void handle_turn(Instant now);

  Instant next_deadline() const { return finish_at_; }

  Stats& stats() { return stats_; }

  const Stats& stats() const { return stats_; }

 private:
  struct Sent {
    Instant at{};
    Seq first;
  };

  struct Track {
    explicit Track(const wire::TrackDescription& described)
        : kind(described.kind), rendition(described.rendition), fragmenter(described.id), ring() {}

    TrackKind kind;
    std::uint8_t rendition;
    wire::Fragmenter fragmenter;
    PacketRing ring;
    std::deque<Sent> recent;  // frames whose parts may still be asked for
    std::vector<std::byte> config_sent;
    std::uint32_t config_sent_ms = 0;
    bool broken = false;  // a frame that others depend on was dropped
    Duration recover_within = kRecoverWithinMax;
  };

  void handle_answer(const link::MessageArrived& message);
  void handle_closed(const link::Closed& closed);
  bool push_without_data();
  void send(const wire::RoomMessage& message);
  void start_pushing();
  bool drop(Track& track, const SourceFrame& frame);
  bool config_due(Track& track, const SourceFrame& frame) const;
  void send(Instant now, Track& track, const wire::MediaFrame& frame);

  Config config_;
  link::Link* link_ = nullptr;
  wire::RequestId request_{1};
  std::optional<wire::StreamHandle> handle_;
  State state_ = State::kAnnounced;
  Error error_;
  std::vector<std::unique_ptr<Track>> tracks_;
  Instant finish_at_ = kNever;
  Instant finish_limit_ = kNever;
  enum class Finishing : std::uint8_t { kSending, kRecovering, kUnpushed };

  Finishing finishing_ = Finishing::kSending;
  Stats stats_;
};

}  // namespace sluice::client
