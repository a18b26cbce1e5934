// Stream: what one pusher pushes under one name, as one worker has it: at its origin, the worker of
// the pusher's link, or at a branch. Parts go into their track's ring and, run by run, to every
// subscription here and to the feed of every branch that wants them. Owned by its room; all of its
// subscriptions belong to members of that room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/name.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/wire/room_message.h"
#include "relay/metrics.h"
#include "relay/stream/branch_feed.h"
#include "relay/stream/subscription.h"
#include "relay/stream/track.h"
#include "relay/worker/mail.h"

namespace sluice::relay {

/// Uplink patience without subscribers, and the least (P-TIME-02).
inline constexpr Duration kRecoverWithinIdle = std::chrono::milliseconds{150};
inline constexpr Duration kRecoverWithinMin = std::chrono::milliseconds{60};

/// A rendition without frames for so long, while others have some, has disappeared. Half takes a
/// hole of the uplink for its end; double shows a still picture for longer.
inline constexpr Duration kRenditionSilence = std::chrono::milliseconds{500};

struct StreamIdentity {
  RoomId room{};
  wire::StreamHandle handle{};
  StreamName name;
  UserName user;
  ConnectionId pusher{};
  WorkerIndex origin{};
};

class Stream {
 public:
  Stream(StreamIdentity identity, std::vector<wire::TrackDescription> tracks,
         WorkerMetrics& metrics);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// A part of track `index` in ring form, which arrived at the relay at `arrival`. Stored now,
  /// forwarded with its neighbours by forward_pending(). Errors: Track::ingest's.
  Status<> ingest(Instant now, Instant arrival, std::size_t index, Bytes part);

  /// Ends the run that is being collected: everything stored has been forwarded afterwards.
  void forward_pending(Instant now);

  /// The pusher says that parts first..last will not come.
  void skip(std::size_t index, Seq first, Seq last);

  /// The caller has sent nothing of this stream to the member before. Sends the announcement; the
  /// caller starts it. Nothing when the member's message backlog is full.
  [[nodiscard]] Subscription* subscribe(Instant now, Member& member, const Member::Rule& rule);
  void unsubscribe(const Member& member);
  Subscription* subscription_of(const Member& member);

  std::span<const std::unique_ptr<Subscription>> subscriptions() const { return subscriptions_; }

  /// At a branch without subscribers, to which nothing comes any more: what is cached would be the
  /// past to the next subscriber.
  void forget_media();

  /// A branch begins or ends to have subscribers. `ring` leads there.
  void add_feed(Instant now, WorkerIndex worker, HandoverRing& ring);
  void remove_feed(WorkerIndex worker);

  std::vector<BranchFeed>& feeds() { return feeds_; }

  /// A key frame of the track is missing somewhere. Coalesced; take_wanted_keys() tells what to ask
  /// for.
  void want_key(Instant now, std::size_t index);

  bool wants_keys() const { return wanted_keys_ != 0; }

  /// One bit for each track that a key frame must be asked for now.
  std::uint8_t take_wanted_keys();

  /// What recover_within of P-TIME-02 is, over subscriptions and branches, as of the last update.
  Duration patience() const { return patience_; }

  Duration update_patience();

  wire::StreamEvent event(wire::StreamEvent::Change change) const;

  const StreamIdentity& identity() const { return identity_; }

  std::size_t track_count() const { return tracks_.size(); }

  Track& track(std::size_t index) { return *tracks_[index]; }

  const Track& track(std::size_t index) const { return *tracks_[index]; }

  /// Of a video track: it brings frames as long as the other renditions do.
  bool is_alive(std::size_t index) const;

  /// The pusher is done with it. Its subscriptions go on until they have everything, each at most
  /// for its own play-out delay: what was lost on a downlink last is still sent again.
  void end(Instant now) { ended_at_ = now; }

  bool ended() const { return ended_at_.has_value(); }

  /// Of an ended stream: this subscriber has all it will get.
  bool finished_for(const Subscription& subscription, Instant now) const;

  bool dirty = false;        // in its room's list of streams to look at when the turn ends
  bool wanted_told = false;  // at a branch: the origin knows that there are subscribers here

 private:
  struct PendingRun {
    std::size_t track = 0;
    Seq first;
    std::uint16_t count = 0;
  };

  Instant keep_since(Instant now) const;

  StreamIdentity identity_;
  WorkerMetrics& metrics_;
  // Rings are pointed at by links, so tracks do not move.
  RingBudget ring_budget_{kStreamRingBytesMax};
  std::vector<std::unique_ptr<Track>> tracks_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::vector<BranchFeed> feeds_;
  PendingRun pending_;
  std::uint8_t wanted_keys_ = 0;
  Duration patience_ = kRecoverWithinIdle;
  std::optional<Instant> ended_at_;
  Instant gop_arrival_ = kLongAgo;  // of the newest whole key frame of the first video track
};

}  // namespace sluice::relay
