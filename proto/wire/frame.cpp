#include "proto/wire/frame.h"

#include <algorithm>
#include <cstring>

#include "proto/base/check.h"

namespace sluice::wire {
namespace {

inline constexpr std::uint8_t kRepairBitmapFlag = 1;

/// Bytes of the bitmap that names `span` parts one by one.
constexpr std::size_t bitmap_bytes(std::size_t span) { return (span + 7) / 8; }

static_assert(bitmap_bytes(80) == kRepairBitmapBytesMax);

std::optional<Frame> read_skip(Reader& body) {
  Skip skip;
  skip.track = TrackId{body.u8()};
  skip.first = Seq{body.u24()};
  skip.last = Seq{body.u24()};
  if (!body.finished() || skip.first.newer_than(skip.last)) return std::nullopt;
  return skip;
}

std::optional<Frame> read_repair(Reader& body) {
  RepairView repair;
  repair.track = TrackId{body.u8()};
  repair.first = Seq{body.u24()};
  repair.span = static_cast<std::uint16_t>(body.u8() + 1U);
  repair.seed = body.u16();
  const std::uint8_t flags = body.u8();
  if (flags > kRepairBitmapFlag) return std::nullopt;
  if (flags == kRepairBitmapFlag) {
    const std::size_t bytes = bitmap_bytes(repair.span);
    if (bytes > kRepairBitmapBytesMax) return std::nullopt;
    repair.bitmap = body.bytes(bytes);
  }
  repair.coded = body.rest();
  const std::size_t coded = repair.coded.size();
  if (!body.ok() || coded <= kCodedFieldsBytes || coded > kCodedFieldsBytes + kPartBytesMax)
    return std::nullopt;
  return repair;
}

std::optional<Frame> read_close(Reader& body) {
  Close close;
  close.code = CloseCode{body.u8()};
  const Bytes reason = body.rest();
  if (!body.ok() || reason.size() > kCloseReasonBytesMax) return std::nullopt;
  close.reason = as_text(reason);
  return close;
}

template <class PathFrame>
std::optional<Frame> read_path(Reader& body) {
  PathFrame frame;
  const Bytes token = body.bytes(frame.token.size());
  if (!body.finished()) return std::nullopt;
  std::copy(token.begin(), token.end(), frame.token.begin());
  return frame;
}

std::optional<Frame> read_control(Reader& body) {
  ControlView control;
  const std::uint8_t stream = body.u8();
  if (stream > static_cast<std::uint8_t>(ControlStream::kApplication)) return std::nullopt;
  control.stream = ControlStream{stream};
  control.offset = body.u32();
  control.bytes = body.rest();
  if (!body.ok() || control.bytes.empty()) return std::nullopt;
  return control;
}

/// The frame of `type` in `bytes`; nothing when they contradict the type (P-FRAME-01).
std::optional<Frame> read_body(std::uint8_t type, Bytes bytes) {
  Reader body(bytes);
  switch (FrameType{type}) {
    case FrameType::kFeedback:
      return FeedbackView{bytes};
    case FrameType::kPing:
      if (!bytes.empty()) return std::nullopt;
      return Ping{};
    case FrameType::kKeyRequest:
      if (bytes.size() != 1) return std::nullopt;
      return KeyRequest{TrackId{body.u8()}};
    case FrameType::kSkip:
      return read_skip(body);
    case FrameType::kRepair:
      return read_repair(body);
    case FrameType::kClose:
      return read_close(body);
    case FrameType::kPathChallenge:
      return read_path<PathChallenge>(body);
    case FrameType::kPathResponse:
      return read_path<PathResponse>(body);
    case FrameType::kControl:
      return read_control(body);
    case FrameType::kPadding:
      break;  // the reader has ended the packet
  }
  return UnknownFrame{type};
}

/// A part whose index and body length can be (P-MEDIA-01). `header` has kMediaHeaderBytes.
Status<> read_part(Bytes header, Bytes body, MediaView& view) {
  decode_media_header(header.first<kMediaHeaderBytes>(), view.header);
  view.body = body;
  if (view.header.index >= view.header.count || body.empty())
    return Unexpected{DropReason::kMalformed};
  if (body.size() > kPartBytesMax) return Unexpected{DropReason::kFrameTooLarge};
  return Done{};
}

}  // namespace

std::string_view close_code_name(CloseCode code) noexcept {
  switch (code) {
    case CloseCode::kDone:
      return "done";
    case CloseCode::kReplaced:
      return "replaced";
    case CloseCode::kKicked:
      return "kicked";
    case CloseCode::kRoomClosed:
      return "room_closed";
    case CloseCode::kDraining:
      return "draining";
    case CloseCode::kIdle:
      return "idle";
    case CloseCode::kProtocolError:
      return "protocol_error";
    case CloseCode::kNotAllowed:
      return "not_allowed";
    case CloseCode::kTooSlow:
      return "too_slow";
    case CloseCode::kRelayError:
      return "relay_error";
    case CloseCode::kKeyLimit:
      return "key_limit";
  }
  return "unknown";
}

std::optional<Result<Frame>> FrameReader::next() noexcept {
  Next next;
  if (empty_packet_) {
    empty_packet_ = false;
    next = malformed();
  } else if (reader_.remaining() > 0) {
    const std::uint8_t type = to_u8(plaintext_[reader_.offset()]);
    if ((type & kMediaTypeBit) != 0) {
      read_media(next);
    } else if (type == static_cast<std::uint8_t>(FrameType::kPadding)) {
      reader_.skip(reader_.remaining());
    } else {
      read_typed(next);
    }
  }
  return next;
}

void FrameReader::read_media(Next& next) noexcept {
  const std::size_t start = reader_.offset();
  const Bytes header = reader_.bytes(kMediaHeaderBytes);
  if (!reader_.ok()) {
    next = malformed();
    return;
  }
  const bool bundled = (to_u8(header[kMediaTypeOffset]) & kMediaLengthBit) != 0;
  const Bytes body = bundled ? reader_.bytes(reader_.u16()) : reader_.rest();
  if (!reader_.ok()) {
    next = malformed();
    return;
  }
  next.emplace(std::in_place, std::in_place_type<MediaView>);
  MediaView& view = *std::get_if<MediaView>(&**next);
  if (const Status<> read = read_part(header, body, view); !read) {
    reader_.fail();
    next = Unexpected{read.error()};
    return;
  }
  if (!bundled) view.whole = plaintext_.subspan(start);
}

void FrameReader::read_typed(Next& next) noexcept {
  const std::uint8_t type = reader_.u8();
  const std::uint16_t length = reader_.u16();
  const Bytes bytes = reader_.bytes(length);
  const std::optional<Frame> frame = reader_.ok() ? read_body(type, bytes) : std::nullopt;
  if (frame) {
    next = *frame;
  } else {
    next = malformed();
  }
}

Unexpected<DropReason> FrameReader::malformed() noexcept {
  reader_.fail();  // what follows cannot be trusted to begin where it seems to
  return Unexpected{DropReason::kMalformed};
}

Result<MediaView> read_ring_part(Bytes part) noexcept {
  if (part.size() < kMediaHeaderBytes) return Unexpected{DropReason::kMalformed};
  const std::uint8_t type = to_u8(part[kMediaTypeOffset]);
  if ((type & kMediaTypeBit) == 0 || (type & kMediaLengthBit) != 0)
    return Unexpected{DropReason::kMalformed};
  MediaView view;
  const Status<> read = read_part(part, part.subspan(kMediaHeaderBytes), view);
  if (!read) return Unexpected{read.error()};
  view.whole = part;
  return view;
}

Bytes ring_form(const MediaView& part, MutableBytes scratch) noexcept {
  if (!part.whole.empty()) return part.whole;
  const std::size_t bytes = kMediaHeaderBytes + part.body.size();
  CHECK(scratch.size() >= bytes);
  encode_media_header(part.header, scratch.first<kMediaHeaderBytes>());
  std::copy(part.body.begin(), part.body.end(), scratch.begin() + kMediaHeaderBytes);
  return scratch.first(bytes);
}

bool FrameWriter::append_bundled_part(Bytes ring_part, TrackId track) noexcept {
  DCHECK(ring_part.size() > kMediaHeaderBytes);
  if (ring_part.size() + kMediaLengthBytes > remaining()) return false;
  const Bytes body = ring_part.subspan(kMediaHeaderBytes);
  const MutableBytes header = writer_.reserve(kMediaHeaderBytes);
  std::memcpy(header.data(), ring_part.data(), kMediaHeaderBytes);
  header[kMediaTypeOffset] |= std::byte{kMediaLengthBit};
  header[kMediaTrackOffset] = static_cast<std::byte>(track);
  writer_.u16(static_cast<std::uint16_t>(body.size()));
  writer_.bytes(body);
  return true;
}

bool FrameWriter::append_final_part(Bytes ring_part, TrackId track) noexcept {
  DCHECK(ring_part.size() > kMediaHeaderBytes);
  if (ring_part.size() > remaining()) return false;
  const MutableBytes part = writer_.reserve(ring_part.size());
  std::memcpy(part.data(), ring_part.data(), ring_part.size());
  part[kMediaTrackOffset] = static_cast<std::byte>(track);
  closed_ = true;
  return true;
}

bool FrameWriter::begin(FrameType type, std::size_t body_bytes) noexcept {
  if (kFrameHeaderBytes + body_bytes > remaining()) return false;
  writer_.u8(static_cast<std::uint8_t>(type));
  writer_.u16(static_cast<std::uint16_t>(body_bytes));
  return true;
}

bool FrameWriter::append(const Feedback& feedback) noexcept {
  if (!begin(FrameType::kFeedback, feedback_bytes(feedback))) return false;
  encode_feedback(feedback, writer_);
  return true;
}

bool FrameWriter::append(Ping /*ping*/) noexcept { return begin(FrameType::kPing, 0); }

bool FrameWriter::append(KeyRequest request) noexcept {
  if (!begin(FrameType::kKeyRequest, 1)) return false;
  writer_.u8(static_cast<std::uint8_t>(request.track));
  return true;
}

bool FrameWriter::append(const Skip& skip) noexcept {
  if (!begin(FrameType::kSkip, 1 + 3 + 3)) return false;
  writer_.u8(static_cast<std::uint8_t>(skip.track));
  writer_.u24(skip.first.value());
  writer_.u24(skip.last.value());
  return true;
}

bool FrameWriter::append(const RepairView& repair) noexcept {
  DCHECK(repair.span >= 1 && repair.span <= 256);
  DCHECK(repair.bitmap.empty() || repair.bitmap.size() == bitmap_bytes(repair.span));
  const std::size_t bytes = kRepairHeaderBytes + repair.bitmap.size() + repair.coded.size();
  if (!begin(FrameType::kRepair, bytes)) return false;
  writer_.u8(static_cast<std::uint8_t>(repair.track));
  writer_.u24(repair.first.value());
  writer_.u8(static_cast<std::uint8_t>(repair.span - 1U));
  writer_.u16(repair.seed);
  writer_.u8(repair.bitmap.empty() ? std::uint8_t{0} : kRepairBitmapFlag);
  writer_.bytes(repair.bitmap);
  writer_.bytes(repair.coded);
  return true;
}

bool FrameWriter::append(const Close& close) noexcept {
  const std::string_view reason = close.reason.substr(0, kCloseReasonBytesMax);
  if (!begin(FrameType::kClose, 1 + reason.size())) return false;
  writer_.u8(static_cast<std::uint8_t>(close.code));
  writer_.bytes(as_bytes(reason));
  return true;
}

bool FrameWriter::append(const PathChallenge& challenge) noexcept {
  if (!begin(FrameType::kPathChallenge, challenge.token.size())) return false;
  writer_.bytes(challenge.token);
  return true;
}

bool FrameWriter::append(const PathResponse& response) noexcept {
  if (!begin(FrameType::kPathResponse, response.token.size())) return false;
  writer_.bytes(response.token);
  return true;
}

bool FrameWriter::append(const ControlView& control) noexcept {
  DCHECK(!control.bytes.empty());
  if (!begin(FrameType::kControl, kControlHeaderBytes + control.bytes.size())) return false;
  writer_.u8(static_cast<std::uint8_t>(control.stream));
  writer_.u32(control.offset);
  writer_.bytes(control.bytes);
  return true;
}

std::size_t FrameWriter::control_room() const noexcept {
  constexpr std::size_t kOverhead = kFrameHeaderBytes + kControlHeaderBytes;
  return remaining() > kOverhead ? remaining() - kOverhead : 0;
}

}  // namespace sluice::wire
