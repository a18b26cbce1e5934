#include "client/flv_demuxer.h"

#include <algorithm>

#include "client/stream_metadata.h"
#include "proto/base/limits.h"

namespace sluice::client {
namespace {

bool has_sequence_header(FourCC codec) { return codec != FourCC::kMp3 && codec != FourCC::kData; }

const char* kind_name(TrackKind kind) {
  switch (kind) {
    case TrackKind::kAudio:
      return "audio";
    case TrackKind::kVideo:
      return "video";
    case TrackKind::kData:
      return "data";
  }
  return "";
}

}  // namespace

Result<std::optional<SourceFrame>, Error> FlvDemuxer::next() {
  while (auto tag = reader_.next()) {
    if (!*tag) return fail(ExitCode::kBadInput, name_ + ": " + tag->error().message);
    auto frame = take(**tag);
    if (!frame || frame->has_value()) return frame;
  }
  return std::optional<SourceFrame>{};
}

Status<Error> FlvDemuxer::end() const {
  if (const auto ended = reader_.end(); !ended) {
    return fail(ExitCode::kBadInput, name_ + ": " + ended.error().message);
  }
  if (!any_frame_) {
    return fail(ExitCode::kBadInput, name_ + ": an FLV without a single audio or video frame");
  }
  return Done{};
}

const SourceTrack* FlvDemuxer::track(TrackKind kind) const {
  const auto& track = tracks_[static_cast<std::size_t>(kind) - 1];
  return track ? &*track : nullptr;
}

bool FlvDemuxer::promise_kept() const {
  const auto shown = [this](TrackKind kind) {
    const SourceTrack* found = track(kind);
    return found != nullptr && found->frames > 0;
  };
  return any_frame_ && (!reader_.promises_audio() || shown(TrackKind::kAudio)) &&
         (!reader_.promises_video() || shown(TrackKind::kVideo));
}

Result<std::optional<SourceFrame>, Error> FlvDemuxer::take(const flv::Tag& tag) {
  constexpr std::optional<SourceFrame> kNothing;
  if (tag.type == RtmpType::kData) {
    const std::string_view event = rtmp::data_event_name(tag.body);
    if (event == "onMetaData" || event == "@setDataFrame") {
      note_metadata(tag.body);
      return kNothing;
    }
    if (tag.body.empty()) return kNothing;
  }
  const auto body = rtmp::read_body(tag.type, tag.body);
  if (!body) return refuse(tag.offset, body.error().message);
  if (body->kind == rtmp::BodyKind::kMetadata || body->kind == rtmp::BodyKind::kEndOfSequence) {
    return kNothing;
  }
  if (const auto noted = note_track(tag, *body); !noted) return Unexpected{noted.error()};
  if (body->kind == rtmp::BodyKind::kSequenceHeader) return kNothing;

  SourceTrack& track = *slot(track_kind_of(tag.type));
  if (tag.type == RtmpType::kVideo) {
    // Pictures in front of the first key frame show nothing to anybody.
    key_seen_ = key_seen_ || body->keyframe;
    if (!key_seen_) return kNothing;
  }
  if (track.frames == 0) track.first_ms = tag.timestamp_ms;
  ++track.frames;
  if (body->keyframe) ++track.key_frames;
  track.last_ms = tag.timestamp_ms;
  any_frame_ = any_frame_ || tag.type != RtmpType::kData;
  const Bytes config = track.kind == TrackKind::kData ? Bytes{} : Bytes{track.config};
  SourceFrame frame{tag.type,          tag.timestamp_ms, body->keyframe,
                    body->discardable, config,           tag.body};
  if (tag.type == RtmpType::kVideo && pictures_ && !body->keyframe) {
    const codec::Picture picture = pictures_->read(body->payload);
    frame.discardable = frame.discardable || picture.discardable;
    frame.layer = picture.layer;
  }
  return std::optional<SourceFrame>{frame};
}

/// The first one counts: what a file says of itself further behind is of the file.
void FlvDemuxer::note_metadata(Bytes body) {
  auto& data = slot(TrackKind::kData);
  if (data && !data->config.empty()) return;
  std::vector<std::byte> metadata = stream_metadata(body);
  if (metadata.empty()) return;
  if (!data) data.emplace();
  data->kind = TrackKind::kData;
  data->codec = FourCC::kData;
  data->config = std::move(metadata);
}

Status<Error> FlvDemuxer::note_track(const flv::Tag& tag, const rtmp::BodyView& body) {
  const TrackKind kind = track_kind_of(tag.type);
  auto& track = slot(kind);
  if (track && track->codec != body.codec) {
    return refuse(tag.offset, std::string{kind_name(kind)} + " changes from " +
                                  four_cc_text(track->codec) + " to " + four_cc_text(body.codec));
  }
  if (body.kind == rtmp::BodyKind::kSequenceHeader) {
    if (tag.body.size() > kCodecConfigBytesMax) {
      return refuse(tag.offset, "a sequence header of " + std::to_string(tag.body.size()) +
                                    " bytes; the largest carried has " +
                                    std::to_string(kCodecConfigBytesMax));
    }
    if (!track) track.emplace();
    track->config.assign(tag.body.begin(), tag.body.end());
    if (kind == TrackKind::kVideo) {
      if (!pictures_) pictures_.emplace(body.codec);
      pictures_->configure(body.payload);
    }
  } else if (!track && has_sequence_header(body.codec)) {
    return refuse(tag.offset, std::string{four_cc_text(body.codec)} + " " + kind_name(kind) +
                                  " without a sequence header before it; nobody could decode it");
  }
  if (!track) track.emplace();
  track->kind = kind;
  track->codec = body.codec;
  constexpr std::size_t kUnitRoom = kCodecConfigBytesMax + 64;  // what travels with the body
  if (tag.body.size() > kMediaFrameBytesMax - kUnitRoom) {
    return refuse(tag.offset, "a frame of " + std::to_string(tag.body.size()) +
                                  " bytes; the largest carried has " +
                                  std::to_string(kMediaFrameBytesMax - kUnitRoom));
  }
  return Done{};
}

Unexpected<Error> FlvDemuxer::refuse(std::uint64_t offset, const std::string& what) const {
  return fail(ExitCode::kBadInput, name_ + ": offset " + std::to_string(offset) + ": " + what);
}

}  // namespace sluice::client
