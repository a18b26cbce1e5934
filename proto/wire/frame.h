// Frames inside the seal (docs/PROTOCOL.md section 5). FrameReader walks a packet's plaintext and
// gives views into it; FrameWriter appends frames to a packet under construction. The link calls
// both, once per packet, on the data path: no allocation, no copies. The reader is strict: a length
// that contradicts the type ends the packet with kMalformed, and what it lets through is safe to
// act on (a MEDIA body has 1..kPartBytesMax bytes and an index below its count).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/wire/feedback.h"
#include "proto/wire/media_header.h"

namespace sluice::wire {

enum class FrameType : std::uint8_t {
  kPadding = 0x00,
  kFeedback = 0x01,
  kPing = 0x02,
  kKeyRequest = 0x04,
  kSkip = 0x05,
  kRepair = 0x06,
  kClose = 0x47,
  kPathChallenge = 0x48,
  kPathResponse = 0x49,
  kControl = 0x4A,
};

/// An unknown frame with this bit closes the link (P-FRAME-02).
inline constexpr std::uint8_t kCriticalBit = 0x40;

enum class CloseCode : std::uint8_t {
  kDone = 0,
  kReplaced = 1,
  kKicked = 2,
  kRoomClosed = 3,
  kDraining = 4,
  kIdle = 5,
  kProtocolError = 6,
  kNotAllowed = 7,
  kTooSlow = 8,
  kRelayError = 9,
  kKeyLimit = 10,
};

/// Stable snake_case name; "unknown" for a code of a later version.
std::string_view close_code_name(CloseCode code) noexcept;

/// Reason text of CLOSE: one line for a person.
inline constexpr std::size_t kCloseReasonBytesMax = 120;

enum class ControlStream : std::uint8_t { kRoom = 0, kApplication = 1 };

/// CONTROL, behind its frame header: stream 1, offset 4.
inline constexpr std::size_t kControlHeaderBytes = 1 + 4;

/// Coded with decode_feedback(); kept apart because malformed feedback leaves the packet's other
/// frames standing (P-FEEDBACK-05).
struct FeedbackView {
  Bytes body;
};

struct Ping {};

struct KeyRequest {
  TrackId track{};
};

/// The parts first..last, both included, will not come.
struct Skip {
  TrackId track{};
  Seq first{}, last{};
};

/// P-REPAIR-01. The bitmap is empty unless the repair names its parts one by one.
struct RepairView {
  TrackId track{};
  Seq first{};
  std::uint16_t span = 1;  // 1..256
  std::uint16_t seed = 0;
  Bytes bitmap{};
  Bytes coded{};
};

struct Close {
  CloseCode code = CloseCode::kDone;
  std::string_view reason{};
};

using PathToken = std::array<std::byte, 8>;

struct PathChallenge {
  PathToken token{};
};

struct PathResponse {
  PathToken token{};
};

struct ControlView {
  ControlStream stream = ControlStream::kRoom;
  std::uint32_t offset = 0;
  Bytes bytes{};  // at least one
};

struct UnknownFrame {
  std::uint8_t type = 0;

  bool critical() const { return (type & kCriticalBit) != 0; }
};

using Frame = std::variant<MediaView, FeedbackView, Ping, KeyRequest, Skip, RepairView, Close,
                           PathChallenge, PathResponse, ControlView, UnknownFrame>;

class FrameReader {
 public:
  explicit FrameReader(Bytes plaintext)
      : plaintext_(plaintext), reader_(plaintext), empty_packet_(plaintext.empty()) {}

  /// The next frame; nothing at the packet's end or at padding. After an error (kMalformed,
  /// kFrameTooLarge for an oversized part) there is nothing more. Views point into the plaintext.
  std::optional<Result<Frame>> next() noexcept;

 private:
  // A frame is read where the caller will find it: moving one about costs more than reading it.
  using Next = std::optional<Result<Frame>>;

  void read_media(Next& next) noexcept;
  void read_typed(Next& next) noexcept;
  Unexpected<DropReason> malformed() noexcept;

  Bytes plaintext_;
  Reader reader_;
  bool empty_packet_;
};

/// Parses a part in ring form, as PacketRing::find() gives it. Errors as FrameReader.
Result<MediaView> read_ring_part(Bytes part) noexcept;

/// The part's ring form: where it lies, or built in `scratch` (kPartPlaintextBytesMax bytes at
/// least).
Bytes ring_form(const MediaView& part, MutableBytes scratch) noexcept;

/// Appends frames. Each append is all or nothing: without room it changes nothing and returns
/// false.
class FrameWriter {
 public:
  /// `plaintext`: as long as the packet may become.
  explicit FrameWriter(MutableBytes plaintext) : writer_(plaintext) {}

  /// A ring-form part that others may follow: the length flag is set and the length written.
  [[nodiscard]] bool append_bundled_part(Bytes ring_part, TrackId track) noexcept;

  /// A ring-form part that ends the packet; nothing may be appended after it.
  [[nodiscard]] bool append_final_part(Bytes ring_part, TrackId track) noexcept;

  [[nodiscard]] bool append(const Feedback& feedback) noexcept;
  [[nodiscard]] bool append(Ping ping) noexcept;
  [[nodiscard]] bool append(KeyRequest request) noexcept;
  [[nodiscard]] bool append(const Skip& skip) noexcept;
  [[nodiscard]] bool append(const RepairView& repair) noexcept;

  /// A reason longer than kCloseReasonBytesMax is cut.
  [[nodiscard]] bool append(const Close& close) noexcept;
  [[nodiscard]] bool append(const PathChallenge& challenge) noexcept;
  [[nodiscard]] bool append(const PathResponse& response) noexcept;
  [[nodiscard]] bool append(const ControlView& control) noexcept;

  /// Bytes a CONTROL frame appended now could carry.
  std::size_t control_room() const noexcept;

  std::size_t remaining() const noexcept { return closed_ ? 0 : writer_.remaining(); }

  std::size_t size() const noexcept { return writer_.size(); }

  bool empty() const noexcept { return writer_.size() == 0; }

  MutableBytes written() const noexcept { return writer_.written(); }

 private:
  bool begin(FrameType type, std::size_t body_bytes) noexcept;

  Writer writer_;
  bool closed_ = false;  // a final part was appended
};

}  // namespace sluice::wire
