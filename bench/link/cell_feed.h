// CellFeed: the media of a cell: video of an exact bitrate with a key frame every two seconds, in
// one to three temporal layers, and sound if asked for. Without an encoder: sizes are fixed, bodies
// look like H.264 in FLV. It also says what each frame depends on, which the ledger judges by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/link/cell_options.h"
#include "client/flv_demuxer.h"
#include "proto/wire/room_message.h"

namespace sluice::bench {

/// A frame as it was offered to the pusher. Numbers count from 0 in each track.
struct FeedFrame {
  TrackKind kind = TrackKind::kVideo;
  std::uint64_t number = 0;
  std::uint32_t timestamp_ms = 0;
  bool keyframe = false;
  std::uint8_t layer = 0;
  std::uint32_t bytes = 0;                  // of its body
  std::optional<std::uint64_t> depends_on;  // the number of a frame before it
};

class CellFeed {
 public:
  explicit CellFeed(const CellOptions& options);

  std::vector<wire::TrackDescription> tracks() const;

  /// The timestamp of the next frame.
  std::uint32_t next_ms() const;

  struct Next {
    FeedFrame frame;
    client::SourceFrame source;  // its views live until the next call
  };

  Next next();

 private:
  static constexpr std::uint32_t kAudioFrameMs = 20;

  std::uint32_t video_ms() const;
  std::uint32_t audio_ms() const;
  Next next_video();
  Next next_audio();
  std::uint8_t layer_of(std::uint64_t in_gop) const;
  void size_frames();

  CellOptions options_;
  std::uint64_t gop_frames_;
  std::size_t key_bytes_ = 0;
  std::vector<std::size_t> layer_bytes_;  // of its frames that are no key frames
  std::size_t audio_bytes_ = 0;
  std::uint64_t video_frames_ = 0, audio_frames_ = 0;
  std::vector<std::optional<std::uint64_t>> reference_;  // by layer: what its next frame refers to
  std::vector<std::byte> config_, audio_config_, body_;
};

}  // namespace sluice::bench
