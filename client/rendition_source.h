// RenditionSource: what a pusher sends as one stream: one FLV, or several files that are renditions
// of one picture, the best first. Their frames are merged by timestamp; sound and metadata are the
// first one's. Looped files begin again together, after the longest of them, so that they stay on
// one clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/error.h"
#include "client/media_source.h"
#include "proto/wire/room_message.h"

namespace sluice::client {

class RenditionSource {
 public:
  /// `renditions` are NAME=FILE, the names for people. None: `file` alone, perhaps a pipe. Errors:
  /// those of MediaSource::open(), kBadInput for what cannot be merged.
  static Result<RenditionSource, Error> open(const std::string& file,
                                             const std::vector<std::string>& renditions, bool loop);

  /// Of sources that are open already.
  explicit RenditionSource(std::vector<std::unique_ptr<MediaSource>> sources);

  /// The first of them: the one that may be a pipe.
  MediaSource& first() { return *sources_.front().media; }

  /// As PUSH names them. Configurations of further renditions travel with their key frames alone.
  std::vector<wire::TrackDescription> tracks() const;

  bool data_is_metadata_only() const { return sources_.front().media->data_is_metadata_only(); }

  /// The frame with the least timestamp of all. Errors and views: as of MediaSource::next().
  Result<MediaSource::Step, Error> next();

 private:
  struct Source {
    std::unique_ptr<MediaSource> media;
    std::optional<SourceFrame> head;
    bool ended = false;
  };

  /// Something of it into `head`, when there is any.
  Result<MediaSource::State, Error> fill(std::size_t rendition);

  std::vector<Source> sources_;
  std::optional<std::size_t> given_;  // whose head was given: its views are in use until next()
};

}  // namespace sluice::client
