// The first bytes of an RTMP message's body: which codec, and what the message is to a decoder. A
// pusher decides by it what becomes a media frame and what its configuration; a recorder and a
// puller what to write first. Legacy headers (FLV version 10.1) and Enhanced RTMP version 2
// headers, single track. The body itself is never changed: it travels as it is (P-MEDIA-03,
// P-MEDIA-06).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/media.h"
#include "proto/base/result.h"

namespace sluice::rtmp {

/// What a body is to a decoder.
enum class BodyKind : std::uint8_t {
  kSequenceHeader,  // codec configuration: kept, and sent inside key frames (P-MEDIA-06)
  kCodedFrame,      // a picture, an audio block, or a data message: a media frame
  kEndOfSequence,   // the encoder stopped
  kMetadata,        // of the stream or a frame; nothing depends on it
};

struct BodyView {
  FourCC codec{};  // zero for an enhanced video command, which names none
  BodyKind kind = BodyKind::kCodedFrame;
  bool keyframe = false;     // video, coded: decodable alone
  bool discardable = false;  // video, coded: nothing depends on it
  std::int32_t composition_ms = 0;
  Bytes payload;  // behind the codec's header: configuration record, NAL units, access unit
};

struct Refusal {
  enum class Reason : std::uint8_t { kTruncated, kCodecNotCarried, kMalformed };

  Reason reason = Reason::kMalformed;
  std::string message;  // names the codec, or what was expected; no offset, the caller knows it
};

/// By message type: video and audio bodies are parsed, data is one coded frame of codec `data`.
/// Views point into `body`. Allocates only to refuse.
Result<BodyView, Refusal> read_body(RtmpType type, Bytes body);

Result<BodyView, Refusal> read_video_body(Bytes body);
Result<BodyView, Refusal> read_audio_body(Bytes body);

/// The event that a data message (type 18) names: its first AMF0 string ("onMetaData",
/// "@setDataFrame"); empty when it begins otherwise.
std::string_view data_event_name(Bytes body);

/// The body of the sequence-header message of `codec` around its bare configuration record: the
/// inverse of BodyView::payload of a sequence header. avc1 and mp4a get the legacy header, all
/// others the enhanced one. Refused for a codec without a sequence header (mp3, data).
Result<std::vector<std::byte>, Refusal> make_sequence_header(FourCC codec, Bytes record);

/// The configuration record inside `config`, the whole body of a sequence-header message as it came
/// in a key frame; refused when it is none, or one of another codec.
Result<Bytes, Refusal> configuration_record(FourCC codec, Bytes config);

}  // namespace sluice::rtmp
