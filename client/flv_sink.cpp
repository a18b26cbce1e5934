#include "client/flv_sink.h"

#include <algorithm>

#include "client/gop_keeper.h"
#include "client/stream_metadata.h"
#include "proto/flv/tag.h"

namespace sluice::client {
namespace {

/// What onMetaData calls a codec: FLV's own numbers, for newer ones the FourCC.
double codec_number(FourCC codec) {
  switch (codec) {
    case FourCC::kAvc:
      return 7;
    case FourCC::kAac:
      return 10;
    case FourCC::kMp3:
      return 2;
    case FourCC::kHevc:
    case FourCC::kAv1:
    case FourCC::kVp9:
    case FourCC::kOpus:
    case FourCC::kData:
      break;
  }
  return static_cast<double>(static_cast<std::uint32_t>(codec));
}

bool needs_config(FourCC codec) { return codec != FourCC::kMp3 && codec != FourCC::kData; }

template <class Range>
void append(std::vector<std::byte>& out, const Range& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

void FlvSink::begin(std::span<const wire::TrackDescription> tracks) {
  for (const wire::TrackDescription& described : tracks) {
    const bool known = std::any_of(tracks_.begin(), tracks_.end(),
                                   [&](const Track& track) { return track.id == described.id; });
    if (known) continue;
    tracks_.push_back(
        {described.id, described.kind, described.codec, described.config, false, {}, false});
  }
}

void FlvSink::resume() {
  for (Track& track : tracks_) track.resuming = track.last_ms.has_value();
}

bool FlvSink::is_known(const ReceivedFrame& frame, Track& track) {
  const std::uint32_t own = frame.media.timestamp_ms;
  const auto ahead = static_cast<std::int32_t>(own - track.last_ms.value_or(own));
  track.resuming = track.resuming && ahead <= 0 && ahead > -kGopMaxMs;
  return track.resuming;
}

bool FlvSink::write(const ReceivedFrame& frame) {
  const auto track = std::find_if(tracks_.begin(), tracks_.end(),
                                  [&](const Track& t) { return t.id == frame.track; });
  if (track == tracks_.end()) return false;
  const Bytes config = frame.media.config;
  if (!config.empty() &&
      !std::equal(config.begin(), config.end(), track->config.begin(), track->config.end())) {
    track->config.assign(config.begin(), config.end());
    track->config_written = false;
  }
  if (needs_config(track->codec) && track->config.empty()) return false;

  if (is_known(frame, *track)) return true;
  if (!header_written_) write_file_header();
  const std::uint32_t timestamp_ms = timestamp_of(frame, *track);
  track->last_ms = timestamp_ms;
  if (!track->config.empty() && !track->config_written) {
    flv::append_tag(frame.media.type, timestamp_ms, track->config, out_);
    track->config_written = true;
  }
  flv::append_tag(frame.media.type, timestamp_ms, frame.media.body, out_);
  bytes_media_ += frame.media.body.size();
  return true;
}

/// A picture of another rendition than before needs its sequence header, and its time may be past.
std::uint32_t FlvSink::timestamp_of(const ReceivedFrame& frame, Track& track) {
  const std::uint32_t own = frame.media.timestamp_ms;
  if (track.kind != TrackKind::kVideo) return own;
  if (video_ && video_ != track.id) {
    track.config_written = false;
    catching_up_ = true;
  }
  video_ = track.id;
  catching_up_ = catching_up_ && static_cast<std::int32_t>(own - video_ms_) < 0;
  if (!catching_up_) video_ms_ = own;
  return video_ms_;
}

void FlvSink::write_file_header() {
  header_written_ = true;
  const Track* audio = nullptr;
  const Track* video = nullptr;
  std::vector<std::byte> metadata;
  for (Track& track : tracks_) {
    if (track.kind == TrackKind::kData) {
      // It came from another member: only what is well-formed goes into our file.
      if (metadata.empty()) metadata = stream_metadata(track.config);
      track.config_written = true;
    }
    if (track.kind == TrackKind::kAudio) audio = &track;
    if (track.kind == TrackKind::kVideo) video = &track;
  }
  append(out_, flv::file_header(audio != nullptr, video != nullptr));
  if (!metadata.empty()) return flv::append_tag(RtmpType::kData, 0, metadata, out_);
  std::vector<flv::MetadataNumber> numbers;
  if (video != nullptr) numbers.push_back({"videocodecid", codec_number(video->codec)});
  if (audio != nullptr) numbers.push_back({"audiocodecid", codec_number(audio->codec)});
  std::vector<std::byte> body;
  flv::append_metadata_body(numbers, body);
  flv::append_tag(RtmpType::kData, 0, body, out_);
}

}  // namespace sluice::client
