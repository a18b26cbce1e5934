#include "relay/stream/stream.h"

#include <algorithm>

namespace sluice::relay {

Stream::Stream(StreamIdentity identity, std::vector<wire::TrackDescription> tracks,
               WorkerMetrics& metrics)
    : identity_(identity), metrics_(metrics) {
  static_assert(kTracksPerStreamMax <= 8, "wanted_keys_ has a bit for each track");
  CHECK(tracks.size() <= kTracksPerStreamMax);
  for (wire::TrackDescription& track : tracks) {
    tracks_.push_back(std::make_unique<Track>(std::move(track), &ring_budget_));
  }
  metrics_.streams.add();
}

Stream::~Stream() {
  subscriptions_.clear();
  metrics_.streams.subtract();
}

Status<> Stream::ingest(Instant now, Instant arrival, std::size_t index, Bytes part) {
  Track& track = *tracks_[index];
  const Result<Track::Stored> stored = track.ingest(arrival, part, keep_since(now));
  if (!stored) return Unexpected{stored.error()};
  metrics_.parts_in.add();
  if (stored->completed) {
    metrics_.frames_in.add();
    if (stored->frame->keyframe && track.kind() == TrackKind::kVideo) {
      gop_arrival_ = std::max(gop_arrival_, stored->frame->arrival);
    }
  }
  const Seq seq = wire::decode_media_header(part.first<kMediaHeaderBytes>()).seq;
  const bool next = pending_.count != 0 && pending_.track == index &&
                    pending_.first + pending_.count == seq && stored->frame->holds(pending_.first);
  if (!next) {
    forward_pending(now);
    pending_ = {index, seq, 0};
  }
  ++pending_.count;
  return Done{};
}

void Stream::forward_pending(Instant now) {
  if (pending_.count == 0) return;
  const PendingRun run = std::exchange(pending_, {});
  const FrameIndex& frames = tracks_[run.track]->frames();
  const std::size_t at = frames.lower_bound(run.first);
  // Gone already when a jump of the numbers emptied the index in between.
  if (at == frames.size() || !frames[at].holds(run.first)) {
    metrics_.drop(DropReason::kStalePart, run.count);
    return;
  }
  // What a subscription leads to is asked for while others are served, step by step.
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (i + 3 < subscriptions_.size())
      sluice::prefetch(subscriptions_[i + 3].get(), sizeof(Subscription));
    if (i + 1 < subscriptions_.size()) subscriptions_[i + 1]->prefetch(Ahead::kNear);
    if (i + 2 < subscriptions_.size()) subscriptions_[i + 2]->prefetch(Ahead::kFar);
    subscriptions_[i]->forward(now, run.track, frames[at], run.first, run.count);
  }
  for (BranchFeed& feed : feeds_) feed.forward(now, run.track, frames[at], run.first, run.count);
}

void Stream::skip(std::size_t index, Seq first, Seq last) {
  for (const auto& subscription : subscriptions_) subscription->skip(index, first, last);
  for (BranchFeed& feed : feeds_) feed.skip(index, first, last);
}

Subscription* Stream::subscribe(Instant now, Member& member, const Member::Rule& rule) {
  forward_pending(now);
  subscriptions_.push_back(std::make_unique<Subscription>(member, *this, rule, metrics_));
  if (!member.send(subscriptions_.back()->announcement())) return nullptr;
  return subscriptions_.back().get();
}

void Stream::unsubscribe(const Member& member) {
  std::erase_if(subscriptions_, [&](const auto& s) { return &s->member() == &member; });
}

void Stream::forget_media() {
  CHECK(subscriptions_.empty());  // links read from the rings
  pending_ = {};
  gop_arrival_ = kLongAgo;
  for (auto& track : tracks_) track = std::make_unique<Track>(track->description(), &ring_budget_);
}

Subscription* Stream::subscription_of(const Member& member) {
  for (const auto& subscription : subscriptions_) {
    if (&subscription->member() == &member) return subscription.get();
  }
  return nullptr;
}

void Stream::add_feed(Instant now, WorkerIndex worker, HandoverRing& ring) {
  forward_pending(now);
  remove_feed(worker);
  feeds_.emplace_back(*this, worker, ring, metrics_).start(now);
}

void Stream::remove_feed(WorkerIndex worker) {
  std::erase_if(feeds_, [&](const BranchFeed& feed) { return feed.worker() == worker; });
}

void Stream::want_key(Instant now, std::size_t index) {
  if (tracks_[index]->take_key_request(now)) {
    wanted_keys_ = static_cast<std::uint8_t>(wanted_keys_ | 1U << index);
  }
}

bool Stream::is_alive(std::size_t index) const {
  Instant newest = kLongAgo;
  Instant oldest = kNever;
  for (const auto& track : tracks_) {
    if (track->kind() != TrackKind::kVideo || track->frames().empty()) continue;
    newest = std::max(newest, track->frames().newest().arrival);
    oldest = std::min(oldest, track->frames()[0].arrival);
  }
  if (oldest == kNever) return true;
  const FrameIndex& frames = tracks_[index]->frames();
  // One that has not begun yet may still do so.
  return newest - (frames.empty() ? oldest : frames.newest().arrival) <= kRenditionSilence;
}

std::uint8_t Stream::take_wanted_keys() { return std::exchange(wanted_keys_, std::uint8_t{0}); }

Duration Stream::update_patience() {
  if (subscriptions_.empty() && feeds_.empty()) return patience_ = kRecoverWithinIdle;
  Duration longest = kRecoverWithinMin;
  for (const auto& subscription : subscriptions_) {
    longest = std::max(longest, subscription->uplink_patience());
  }
  for (const BranchFeed& feed : feeds_) {
    longest = std::max(longest, feed.patience.value_or(kRecoverWithinIdle));
  }
  return patience_ = longest;
}

bool Stream::finished_for(const Subscription& subscription, Instant now) const {
  return now - *ended_at_ >= subscription.play_out() || subscription.has_everything();
}

wire::StreamEvent Stream::event(wire::StreamEvent::Change change) const {
  wire::StreamEvent event;
  event.change = change;
  event.stream = identity_.name;
  event.user = identity_.user;
  event.handle = identity_.handle;
  return event;
}

Instant Stream::keep_since(Instant now) const {
  // A little before the key frame: the sound that goes with it may have come first.
  constexpr Duration kInterleave = std::chrono::milliseconds{300};
  return std::clamp(gop_arrival_ - kInterleave, now - kHistoryMax, now - kHistoryMin);
}

}  // namespace sluice::relay
