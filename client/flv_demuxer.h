// FlvDemuxer: from the bytes of an FLV file or pipe to the media frames a pusher sends. Sans-I/O.
// It decides what is fit to be pushed: an FLV with carried codecs, a sequence header before each
// track's first frame, frames within limits; everything else is one Error that names the input and
// the offset. Sequence headers become the configuration of the key frames behind them (P-MEDIA-06).
// Data messages are a track of their own; of onMetaData what describes the stream is that track's
// configuration (stream_metadata.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/error.h"
#include "proto/base/bytes.h"
#include "proto/base/media.h"
#include "proto/codec/picture.h"
#include "proto/flv/tag.h"
#include "proto/rtmp/message.h"

namespace sluice::client {

struct SourceFrame {
  RtmpType type = RtmpType::kVideo;
  std::uint32_t timestamp_ms = 0;
  bool keyframe = false;
  bool discardable = false;
  Bytes config;  // the track's sequence header as it stands at this frame; empty for mp3 and data
  Bytes body;
  std::uint8_t layer = 0;      // temporal layer, as the codec's headers say
  std::uint8_t rendition = 0;  // video: of which the frame is; 0 is the best
};

/// One track found in the input: at most one of each kind.
struct SourceTrack {
  TrackKind kind = TrackKind::kVideo;
  FourCC codec{};
  std::vector<std::byte> config;  // whole body of its newest sequence header; data: onMetaData
  std::uint64_t frames = 0;
  std::uint64_t key_frames = 0;
  std::uint32_t first_ms = 0, last_ms = 0;
};

class FlvDemuxer {
 public:
  /// `name` is what errors call the input.
  explicit FlvDemuxer(std::string name) : name_(std::move(name)) {}

  /// Appends bytes; invalidates frames given before.
  void feed(Bytes bytes) { reader_.feed(bytes); }

  /// The next media frame; nothing when more bytes are needed. An error is for good.
  Result<std::optional<SourceFrame>, Error> next();

  /// Call at the input's end, after next() gave nothing: truncated, or without any media.
  Status<Error> end() const;

  /// The track of this kind; nothing when none of its messages came yet.
  const SourceTrack* track(TrackKind kind) const;

  /// Every kind that the file header promises has shown its configuration and one frame.
  bool promise_kept() const;

  bool any_frame() const { return any_frame_; }

 private:
  std::optional<SourceTrack>& slot(TrackKind kind) {
    return tracks_[static_cast<std::size_t>(kind) - 1];
  }

  Result<std::optional<SourceFrame>, Error> take(const flv::Tag& tag);
  void note_metadata(Bytes body);
  Status<Error> note_track(const flv::Tag& tag, const rtmp::BodyView& body);
  Unexpected<Error> refuse(std::uint64_t offset, const std::string& what) const;

  std::string name_;
  flv::TagReader reader_;
  std::array<std::optional<SourceTrack>, 3> tracks_;
  std::optional<codec::PictureReader> pictures_;  // of the video track
  bool any_frame_ = false;
  bool key_seen_ = false;
};

}  // namespace sluice::client
