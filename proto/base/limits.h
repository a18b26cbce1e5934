// Every limit of the wire and of the state behind it, with its unit in the name and, in the
// comment, where the number comes from and what breaks when it is halved or doubled. Derived sizes
// are expressions; the static_asserts at the end are the header budget of docs/PROTOCOL.md
// (P-WIRE-03).
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice {

// Sizes on the wire.

/// Largest UDP payload: 1280 (the smallest IPv6 MTU) less 40 of IPv6 and 8 of UDP. Larger fails on
/// tunnels; half would double the cost of every packet.
inline constexpr std::size_t kDatagramBytesMax = 1280 - 40 - 8;

/// AEAD tag of every suite. Fixed by the ciphers.
inline constexpr std::size_t kTagBytes = 16;

/// DATA header to the relay: type 1, connection id 6, packet number 3. From it: no connection id.
inline constexpr std::size_t kDataHeaderToRelayBytes = 1 + 6 + 3;
inline constexpr std::size_t kDataHeaderFromRelayBytes = 1 + 3;

/// MEDIA: type and flags 1, track 1, seq 3, index and count 3, dts 3, depends-on or level 1.
inline constexpr std::size_t kMediaHeaderBytes = 12;

/// Type 1 and length 2 in front of every other frame.
inline constexpr std::size_t kFrameHeaderBytes = 3;

/// REPAIR, behind its frame header: track 1, first seq 3, span 1, seed 2, flags 1.
inline constexpr std::size_t kRepairHeaderBytes = 8;

/// Bitmap room of a REPAIR: 80 parts of span may be named one by one. Longer spans go without.
inline constexpr std::size_t kRepairBitmapBytesMax = 10;

/// In front of the coded body: length 2, and the 8 bytes of a MEDIA header that a lost part needs
/// back (all but track and seq).
inline constexpr std::size_t kCodedFieldsBytes = 2 + 8;

/// What is left for a part's body when a repair of it must fit the same datagram: 1175.
inline constexpr std::size_t kPartBytesMax = kDatagramBytesMax - kDataHeaderToRelayBytes -
                                             kTagBytes - kFrameHeaderBytes - kRepairHeaderBytes -
                                             kRepairBitmapBytesMax - kCodedFieldsBytes;

/// Plaintext of a full part as it lies in a packet ring.
inline constexpr std::size_t kPartPlaintextBytesMax = kMediaHeaderBytes + kPartBytesMax;

/// INIT and an acceptance are always this long: no answer is larger than its request, and a
/// handshake that ends has shown that the path carries full datagrams both ways (P-HS-02).
inline constexpr std::size_t kInitBytes = kDatagramBytesMax;
inline constexpr std::size_t kAcceptBytesMax = kDatagramBytesMax;
inline constexpr std::size_t kCookieBytes = 64;

/// Type 1, connection id 6, token 16: smaller than any DATA that may trigger it (P-RESET-02).
inline constexpr std::size_t kResetBytes = 1 + 6 + 16;

// Media.

/// What one repair codes at most: the fields and the body of a full part.
inline constexpr std::size_t kCodedBytesMax = kCodedFieldsBytes + kPartBytesMax;

/// Parts one repair can span: the field is one byte. A key frame at 8 Mbit/s spans 198; larger ones
/// take several windows.
inline constexpr std::size_t kRepairSpanMax = 256;

/// A media frame: 2 MiB holds a key frame of 4K video at 100 Mbit/s; the index field carries 4095
/// parts. Half still carries 1080p; double does not fit the field.
inline constexpr std::size_t kMediaFrameBytesMax = 2U << 20U;
inline constexpr std::size_t kPartsPerFrameMax = kMediaFrameBytesMax / kPartBytesMax + 1;

/// Codec configuration inside a key frame: SPS and PPS sets come to some hundred bytes.
inline constexpr std::size_t kCodecConfigBytesMax = 4096;

/// Tracks of one stream: three renditions, audio, data, and room for layers to come.
inline constexpr std::size_t kTracksPerStreamMax = 8;

/// Link-local track ids: the field is one byte.
inline constexpr std::size_t kTracksPerLinkMax = 256;

/// Parts a track's ring can hold: 10 MB of full parts, 12 s of 7 Mbit/s. Half loses the cached GOP
/// of a file pushed at 4 Mbit/s with 12 s between key frames; double costs 20 MB for each busy
/// track.
inline constexpr std::size_t kTrackRingPartsMax = 8192;
inline constexpr std::size_t kTrackRingPartsMin = 64;

/// What the rings of one stream take together: 12 s at 10 Mbit/s. A slot has room for a full part
/// whatever comes, so many tracks of small parts would else take 80 MB. Half loses the cached GOP
/// of a busy file; double lets eight streams of one pusher hold 256 MiB on each worker.
inline constexpr std::size_t kStreamRingBytesMax = 16U << 20U;

// Link.

/// Keys are renewed after this many packets or seconds, and hard-stopped at 2^27 packets: the bound
/// for AES-128-GCM is 2^24.5 full packets at an attacker's advantage of 2^-57 (RFC 9001 appendix
/// B.1).
inline constexpr std::uint64_t kKeyPacketsMax = 1ULL << 22U;
inline constexpr std::uint64_t kKeyPacketsHardMax = 1ULL << 27U;
inline constexpr Duration kKeyAgeMax = std::chrono::seconds{120};

/// Numbers behind the newest that a replay window remembers (RFC 6479 ring). At 10,000 packets/s
/// this is 0.2 s of reordering.
inline constexpr std::size_t kReplayWindowPackets = 2048;

/// Sent packets remembered until acknowledged or lost: 8 Mbit/s for 8 s. Grows from 64.
inline constexpr std::size_t kSentPacketsMax = 8192;

/// Acknowledgement ranges in one FEEDBACK: at 20 % random loss 32 ranges span 200 packets.
inline constexpr std::size_t kAckRangesMax = 32;

/// Receive-time deltas in one FEEDBACK; one per packet new since the last acknowledged feedback.
inline constexpr std::size_t kReceiveTimesMax = 64;

/// Entries (a run of consecutive parts each) in a link's egress queue of one priority.
inline constexpr std::size_t kEgressEntriesMax = 1024;

/// Equations an ingress track keeps until they can be solved: of 256 parts at 30 % loss 77 +- 7 are
/// missing, so 128 solves the largest window with 7 sigma to spare; half fails it, double costs
/// 220 KB more a track and twice the work of the worst call. Grows from 8. When full, the equation
/// with the oldest unknown gives way.
inline constexpr std::size_t kEquationsMax = 128;

/// Missing parts that those equations may name together: two of the largest windows with nothing
/// known of them. Half makes two windows in an outage push each other out; double doubles what an
/// equation costs beside its symbol. When full, older windows give way.
inline constexpr std::size_t kUnknownsMax = 512;

/// How far behind, or before, the newest part of a track a repair may reach, in parts: 1 s of
/// 20 Mbit/s, 10 s of 2. Half forgets windows that can still be played at 50 Mbit/s; double costs
/// 8 KB. A power of two.
inline constexpr std::size_t kRepairReachParts = 2048;

/// Packets in one UDP_SEGMENT send: the kernel's limit is 64; 16 is the pacer's largest quantum.
inline constexpr std::size_t kRunPacketsMax = 16;

/// What the packets in flight carried: mostly one part each, a handful of small frames in some.
/// Half still fits full media packets one to one; double costs 400 KB on the busiest link.
inline constexpr std::size_t kSentItemsMax = 2 * kSentPacketsMax;

/// Lost parts of one priority that wait to be sent again: all that can be in flight. Beyond it a
/// part is given up by name.
inline constexpr std::size_t kRetransmitPartsMax = kSentPacketsMax;

/// Parts given up that nobody was told of yet: all that one feedback can bring about after an
/// outage.
inline constexpr std::size_t kGaveUpEventsMax = kSentPacketsMax;

/// Small events (key requests, skips, reports) that one datagram may bring: 4 bytes each at the
/// least.
inline constexpr std::size_t kLinkEventsMax = 512;

/// CONTROL frames of one stream in flight: 64 KiB in full packets are 57; small messages one by one
/// wait beyond this for an acknowledgement.
inline constexpr std::size_t kControlPiecesMax = 1024;

/// KEY_REQUEST and SKIP frames that wait for a packet: several for each track of a large room.
inline constexpr std::size_t kPendingFramesMax = 256;

/// What the pacer takes a path to carry while nothing measures it: a 60 KB key frame leaves in
/// 0.5 ms. Half doubles that; much more and the pacer is no pacer.
inline constexpr std::uint64_t kPacerBitsPerSecond = 1'000'000'000;

/// Keepalive and idle: NATs forget UDP after 30 s at the least (RFC 4787), so 10 s; three missed
/// ones are an idle link.
inline constexpr Duration kKeepalive = std::chrono::seconds{10};
inline constexpr Duration kIdleTimeout = std::chrono::seconds{30};

/// A link that was accepted but has not sent authentic DATA dies after this.
inline constexpr Duration kHalfOpenTimeout = std::chrono::seconds{10};

/// One message on a control stream, and the unacknowledged bytes of one stream.
inline constexpr std::size_t kControlMessageBytesMax = 8U << 10U;
inline constexpr std::size_t kControlWindowBytes = 64U << 10U;

// Relay.

/// Workers: the connection id has 5 bits for them.
inline constexpr std::size_t kWorkersMax = 32;

/// Links of one worker: the connection id has 20 bits; 65,536 links at 14 KiB are 0.9 GiB.
inline constexpr std::size_t kLinksPerWorkerMax = 1U << 16U;

/// Values queued from one thread to another (a part with its header each): 5 MB, 4096 parts are
/// 40 ms of 1 Gbit/s.
inline constexpr std::size_t kMailboxMessagesMax = 4096;

/// Used ticket ids remembered, each until its expiry (60 s at most): 3000 joins/s for 60 s, rounded
/// up.
inline constexpr std::size_t kUsedTicketsMax = 1U << 18U;

/// Subscriber queue, in time at its own rate, beyond which frames are dropped by name.
inline constexpr Duration kEgressQueueMax = std::chrono::milliseconds{500};

/// The header budget (P-WIRE-03): all that is not media body in a full part.
static_assert(kDataHeaderFromRelayBytes + kTagBytes + kMediaHeaderBytes <= 32);
static_assert(kDataHeaderToRelayBytes + kTagBytes + kMediaHeaderBytes <= 38);
static_assert(kDataHeaderToRelayBytes + kTagBytes + kPartPlaintextBytesMax <= kDatagramBytesMax);
static_assert(kPartsPerFrameMax < 4096);
static_assert(kPartBytesMax == 1175);
static_assert(kEquationsMax < 256 && kRepairSpanMax <= kUnknownsMax);

}  // namespace sluice
