// What goes into a link and what comes out of it: set-up, events, transmits, statistics. Plain
// values; link.h has the machine itself. Called by relay/worker and client/.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/media.h"
#include "proto/base/random.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::link {

enum class Role : std::uint8_t { kClient, kRelay };

enum class ControlStreamId : std::uint8_t { kRoom = 0, kApplication = 1 };

/// Codes of CLOSE (P-CLOSE-01); the numbers are the wire's.
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
  // Never on the wire: the peer's RESET, with the right token, ended the link.
  kReset = 0xFF,
};

/// Stable snake_case name.
std::string_view close_code_name(CloseCode code) noexcept;

/// Order in which a link serves what waits (the pacer sorts by send-by within each class).
enum class Priority : std::uint8_t { kAudio, kBase, kUpper, kData };

/// Of a frame that others may need.
constexpr Priority priority_of(TrackKind kind) {
  switch (kind) {
    case TrackKind::kAudio:
      return Priority::kAudio;
    case TrackKind::kVideo:
      return Priority::kBase;
    case TrackKind::kData:
      break;
  }
  return Priority::kData;
}

// Events: what a datagram or a deadline brought about.
// Spans inside events are valid until the next handle_* call on the same link.

/// The first authentic DATA of the peer: media may flow now (P-HS-11).
struct Established {};

/// A part of a media frame. `part` is the MEDIA frame in the form a PacketRing keeps (no length
/// flag); `revived` when a repair brought it back, and then it lives until the next poll_event().
/// Duplicates by part number are the caller's to see.
struct MediaArrived {
  TrackId track{};
  Seq seq;
  Bytes part;
  bool revived = false;
};

/// One whole message of a control stream, in order.
struct MessageArrived {
  ControlStreamId stream{};
  std::uint8_t type = 0;
  Bytes body;
};

struct KeyRequested {
  TrackId track{};
};

/// Parts [from, to] of an ingress track will never come.
struct Skipped {
  TrackId track{};
  Seq from, to;
};

/// The receiver's word on an egress track, from its FEEDBACK (P-FEEDBACK-03).
struct TrackReported {
  TrackId track{};
  Seq oldest_open;
  std::uint16_t play_out_delay_ms = 0;
  std::uint16_t recover_within_ms = 0;
};

/// An egress part was lost for good: no longer in the ring, or too late to arrive.
struct GaveUp {
  TrackId track{};
  Seq seq;
};

struct AddressChanged {
  Address address;
};

/// The last event of a link. `reason` is for people.
struct Closed {
  CloseCode code{};
  bool by_peer = false;
  std::string_view reason;
};

using Event = std::variant<Established, MediaArrived, MessageArrived, KeyRequested, Skipped,
                           TrackReported, GaveUp, AddressChanged, Closed>;

// Transmit.

/// A run: `count` datagrams to one address, each `segment_bytes` long, the last perhaps shorter,
/// lying back to back in the send arena. One UDP_SEGMENT message.
struct Transmit {
  Address to;
  MutableBytes bytes;
  std::uint16_t segment_bytes = 0;
  std::uint16_t count = 0;
};

/// Memory that runs are written into, of one worker or client; emptied after each flush.
class SendArena {
 public:
  explicit SendArena(MutableBytes memory) : memory_(memory) {}

  MutableBytes free_space() const { return memory_.subspan(used_); }

  /// Takes the first `count` bytes of the free space.
  void take(std::size_t count) { used_ += count; }

  bool has_room_for(std::size_t packets) const {
    return memory_.size() - used_ >= packets * kDatagramBytesMax;
  }

  void clear() { used_ = 0; }

 private:
  MutableBytes memory_;
  std::size_t used_ = 0;
};

// Statistics.

/// Whose deadline it is, when a media frame misses it: what depends on the frame decides how much
/// is spent on it.
enum class MissClass : std::uint8_t { kPlain, kPrecious, kTopLayer };

inline constexpr std::size_t kMissClasses = 3;

/// Media frames of one class that were sent, and those of them that, by all that FEEDBACK showed,
/// were not whole at their deadline.
struct MissCount {
  std::uint64_t frames = 0, missed = 0;
};

/// Counters since the link began. Bytes are UDP payload unless they say media; bytes_sent is the
/// sum of media, header, retransmitted, repair, probe and control bytes.
struct LinkStats {
  std::uint64_t packets_sent = 0, packets_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t media_parts_sent = 0, media_parts_received = 0;
  std::uint64_t media_bytes_sent = 0;      // bodies of parts, each once
  std::uint64_t media_bytes_received = 0;  // bodies, as often as they came
  std::uint64_t header_bytes_sent = 0;     // all that is not body in packets with fresh parts
  std::uint64_t retransmitted_bytes_sent = 0;
  std::uint64_t repairs_sent = 0, repair_bytes_sent = 0;
  std::uint64_t probe_bytes_sent = 0;
  std::uint64_t control_bytes_sent = 0;   // packets without media, feedback alone included
  std::uint64_t feedback_bytes_sent = 0;  // wherever they rode
  std::uint64_t feedback_received = 0;
  std::uint64_t repairs_received = 0;
  std::uint64_t parts_revived = 0;        // brought back by repairs here
  std::uint64_t packets_lost = 0;         // sent by us, declared lost
  std::uint64_t packets_late = 0;         // and acknowledged after all: what went again for nothing
  std::uint64_t congestion_marks = 0;     // on packets of ours, as the peer says (ECN); modulo 2^24
  std::uint64_t packets_missing = 0;      // gaps seen in what we receive
  std::uint64_t parts_retransmitted = 0;  // by us
  std::uint64_t parts_given_up = 0;
  std::array<MissCount, kMissClasses> misses{};  // egress, by MissClass; while there is loss
  Duration srtt{}, min_rtt{}, latest_rtt{}, rttvar{};
  double loss_ratio = 0;               // of what we sent, over about 2 s
  std::uint64_t estimate_bps = 0;      // what the path carries, by trains of 30 s; 0: not measured
  std::uint64_t target_bps = 0;        // what the mean of all that we send may be
  std::uint64_t media_target_bps = 0;  // and of bodies of media: less headers and what mends losses
};

}  // namespace sluice::link
