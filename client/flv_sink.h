// FlvSink: received media frames to a valid FLV. Bodies and timestamps stay as they were pushed,
// bit by bit; onMetaData says of the stream what its source said; sequence headers are rebuilt from
// the configuration that travels with the frames and written again when it changes. When another
// rendition of the picture goes on, with pictures of the past first, those stand at the newest
// timestamp: none runs backwards. Pure: it appends to a buffer that the owner writes out and
// clears.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "client/jitter_buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/media.h"
#include "proto/wire/room_message.h"

namespace sluice::client {

class FlvSink {
 public:
  /// The stream's tracks, from its STREAM event: they make the file header and the first sequence
  /// headers. Called again when they change: then only what is new is taken over.
  void begin(std::span<const wire::TrackDescription> tracks);

  /// Appends the frame; false when it was left out because no configuration of its codec came yet.
  [[nodiscard]] bool write(const ReceivedFrame& frame);

  /// The stream begins anew at its last key frame, as after a loss of the relay: what was written
  /// of that GOP before is not written again. (A source that began again from its start less than
  /// kGopMaxMs before is taken for that, and written from where it passes what was written.)
  void resume();

  /// What is to be written; take_all() forgets it.
  Bytes pending() const { return out_; }

  void take_all() { out_.clear(); }

  std::uint64_t bytes_media() const { return bytes_media_; }

 private:
  struct Track {
    TrackId id{};
    TrackKind kind = TrackKind::kVideo;
    FourCC codec{};
    std::vector<std::byte> config;  // newest known; the whole sequence-header message
    bool config_written = false;
    std::optional<std::uint32_t> last_ms;  // newest timestamp written
    bool resuming = false;                 // older ones are known
  };

  static bool is_known(const ReceivedFrame& frame, Track& track);

  std::uint32_t timestamp_of(const ReceivedFrame& frame, Track& track);
  void write_file_header();

  std::vector<std::byte> out_;
  std::vector<Track> tracks_;
  bool header_written_ = false;
  std::optional<TrackId> video_;  // the rendition whose pictures are written
  std::uint32_t video_ms_ = 0;    // timestamp of the newest picture
  bool catching_up_ = false;      // its pictures lie before that
  std::uint64_t bytes_media_ = 0;
};

}  // namespace sluice::client
