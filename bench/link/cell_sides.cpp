#include "bench/link/cell_sides.h"

#include <algorithm>
#include <variant>

namespace sluice::bench {
namespace {

using net::Callback;

/// The play-out mode that a cell's budget asks for.
client::JitterBuffer::Config play_out_config(const CellOptions& options) {
  client::JitterBuffer::Config config;
  config.mode = client::PlayMode::kPlayOut;
  if (options.budget) {
    config.delay = *options.budget;
  } else {
    config.adaptive = client::PlayOutDelay::Bounds{};
  }
  return config;
}

}  // namespace

StreamName cell_stream() { return *StreamName::parse("cell"); }

FeedPusher::FeedPusher(const CellOptions& options, Instant began,
                       Callback<Instant, const FeedFrame&> on_sent)
    : feed_(options),
      began_(began),
      length_ms_(static_cast<std::uint32_t>(options.seconds * 1000)),
      on_sent_(on_sent),
      pusher_({cell_stream(), feed_.tracks(), false, true}) {}

Instant FeedPusher::turn(Instant now) {
  Instant next = kNever;
  if (ready()) {
    const auto due = [this] { return began_ + std::chrono::milliseconds{feed_.next_ms()}; };
    while (feed_.next_ms() < length_ms_ && due() <= now) {
      const Instant at = due();
      const CellFeed::Next frame = feed_.next();
      on_sent_(at, frame.frame);
      pusher_.push(now, frame.source);
    }
    if (feed_.next_ms() < length_ms_) next = due();
  }
  pusher_.handle_turn(now);
  return std::min(next, pusher_.next_deadline());
}

WatchedSubscriber::WatchedSubscriber(const CellOptions& options, const SubscriberObserver& observer)
    : observer_(observer),
      subscriber_(
          {cell_stream(), play_out_config(options), Instant{}},
          {Callback<const std::vector<wire::TrackDescription>&>::to<
               &WatchedSubscriber::handle_tracks>(this),
           Callback<const client::ReceivedFrame&>::to<&WatchedSubscriber::handle_frame>(this)}) {}

void WatchedSubscriber::handle_event(Instant now, const link::Event& event) {
  now_ = now;
  if (const auto* media = std::get_if<link::MediaArrived>(&event)) {
    const auto known = std::find_if(tracks_.begin(), tracks_.end(),
                                    [&](const auto& track) { return track.id == media->track; });
    if (known != tracks_.end()) {
      observer_.on_part(now, known->kind,
                        wire::decode_media_header(media->part.first<kMediaHeaderBytes>()));
    }
  }
  subscriber_.handle_event(now, event);
}

void WatchedSubscriber::handle_frame(const client::ReceivedFrame& frame) {
  observer_.on_played(now_, frame.kind, frame.media.timestamp_ms);
}

Instant WatchedSubscriber::turn(Instant now) {
  now_ = now;
  subscriber_.handle_turn(now);
  observer_.on_play_out(now, play_out_delay());
  return subscriber_.next_deadline(now);
}

}  // namespace sluice::bench
