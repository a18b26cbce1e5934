#include "client/rendition_source.h"

#include <algorithm>

#include "proto/base/limits.h"

namespace sluice::client {
namespace {

/// Sound and metadata have a track each.
constexpr std::size_t kRenditionsMax = kTracksPerStreamMax - 2;

/// Ids 1 to 3 are those of MediaSource.
TrackId further_track(std::size_t rendition) {
  return TrackId{static_cast<std::uint8_t>(3 + rendition)};
}

}  // namespace

Result<RenditionSource, Error> RenditionSource::open(const std::string& file,
                                                     const std::vector<std::string>& renditions,
                                                     bool loop) {
  std::vector<std::unique_ptr<MediaSource>> sources;
  if (renditions.empty()) {
    auto source = MediaSource::open(file, loop);
    if (!source) return Unexpected{source.error()};
    sources.push_back(std::move(*source));
    return RenditionSource{std::move(sources)};
  }
  if (renditions.size() > kRenditionsMax) {
    return fail(ExitCode::kBadInput,
                "a stream has at most " + std::to_string(kRenditionsMax) + " renditions");
  }
  for (const std::string& rendition : renditions) {
    const std::size_t equals = rendition.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == rendition.size()) {
      return fail(ExitCode::kBadInput, "--rendition wants NAME=FILE, not " + rendition);
    }
    const std::string path = rendition.substr(equals + 1);
    auto source = MediaSource::open(path, loop);
    if (!source) return Unexpected{source.error()};
    const auto tracks =
        (*source)->is_pipe() ? std::vector<wire::TrackDescription>{} : (*source)->tracks();
    const bool has_video = std::any_of(tracks.begin(), tracks.end(), [](const auto& track) {
      return track.kind == TrackKind::kVideo;
    });
    if (!has_video) return fail(ExitCode::kBadInput, path + ": a rendition is a file with video");
    sources.push_back(std::move(*source));
  }
  return RenditionSource{std::move(sources)};
}

RenditionSource::RenditionSource(std::vector<std::unique_ptr<MediaSource>> sources) {
  std::uint32_t span_ms = 0;
  for (const auto& source : sources) span_ms = std::max(span_ms, source->loop_span_ms());
  for (auto& source : sources) {
    source->set_loop_span_ms(span_ms);
    sources_.push_back({std::move(source), std::nullopt, false});
  }
}

std::vector<wire::TrackDescription> RenditionSource::tracks() const {
  std::vector<wire::TrackDescription> tracks = sources_.front().media->tracks();
  for (std::size_t i = 1; i < sources_.size(); ++i) {
    for (wire::TrackDescription& track : sources_[i].media->tracks()) {
      if (track.kind != TrackKind::kVideo) continue;
      track.id = further_track(i);
      track.rendition = static_cast<std::uint8_t>(i);
      track.config.clear();
      tracks.push_back(std::move(track));
    }
  }
  return tracks;
}

Result<MediaSource::State, Error> RenditionSource::fill(std::size_t rendition) {
  Source& source = sources_[rendition];
  while (!source.head && !source.ended) {
    const auto step = source.media->next();
    if (!step) return Unexpected{step.error()};
    if (step->state == MediaSource::State::kNeedsRead) return step->state;
    source.ended = step->state == MediaSource::State::kEnded;
    if (source.ended) break;
    if (rendition > 0 && track_kind_of(step->frame.type) != TrackKind::kVideo) continue;
    source.head = step->frame;
    source.head->rendition = static_cast<std::uint8_t>(rendition);
  }
  return source.ended ? MediaSource::State::kEnded : MediaSource::State::kFrame;
}

Result<MediaSource::Step, Error> RenditionSource::next() {
  if (given_) sources_[*given_].head.reset();
  given_.reset();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto filled = fill(i);
    if (!filled) return Unexpected{filled.error()};
    if (*filled == MediaSource::State::kNeedsRead) return MediaSource::Step{*filled, {}};
    if (!sources_[i].head) continue;
    const auto earlier = [&](std::size_t other) {
      return static_cast<std::int32_t>(sources_[i].head->timestamp_ms -
                                       sources_[other].head->timestamp_ms) < 0;
    };
    if (!given_ || earlier(*given_)) given_ = i;
  }
  if (!given_) return MediaSource::Step{};
  return MediaSource::Step{MediaSource::State::kFrame, *sources_[*given_].head};
}

}  // namespace sluice::client
