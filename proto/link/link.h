// Link: one authenticated, encrypted association over UDP, after its handshake; both ends are this
// class. Sans-I/O: datagrams, deadlines and media go in, datagrams, deadlines and events come out.
// The owner calls handle_datagram / handle_timeout, then drains poll_event until it is empty, then
// poll_transmit until nothing is due. Rules: docs/PROTOCOL.md sections 4 to 8. A link never moves
// and never allocates per packet once its tables have grown to its rate. The machine behind the
// face is link_state.h; what goes in is in link_input.cpp, what comes out in link_output.cpp.
#pragma once

#include <memory>
#include <optional>

#include "proto/base/packet_ring.h"
#include "proto/base/prefetch.h"
#include "proto/base/result.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/packet_protection.h"
#include "proto/link/link_types.h"

namespace sluice::link {

/// What the handshake left behind.
struct LinkSetup {
  Role role{};
  crypto::Suite suite{};
  crypto::TrafficSecret send_secret, receive_secret;
  ConnectionId connection_id{};
  ResetToken reset_token{};  // client only
  Address peer;
  RandomSource random;
  Duration idle_timeout = kIdleTimeout, keepalive = kKeepalive;
  std::uint32_t early_room_bytes = 0;  // of the client's room stream, carried by INIT (P-CTRL-02)
  std::uint64_t pacer_bits_per_s = kPacerBitsPerSecond;  // 0: not paced
  crypto::KeyLimits key_limits{};                        // lowered by simulations
};

class Link {
 public:
  Link(LinkSetup setup, Instant now);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Input.

  /// One datagram addressed to this link (DATA, or RESET at a client). Decrypts in place and keeps
  /// the plaintext there: `datagram` must live until poll_event() has returned nothing. What is
  /// dropped is returned by name and counted; the link stays as it was. Media of the datagram
  /// before that nobody polled is dropped (kOverwritten).
  Status<> handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                           std::uint8_t ecn);

  /// Call when next_deadline() has passed (calling early does nothing).
  void handle_timeout(Instant now);

  // Output.

  /// The next event, oldest first; nothing when there is none.
  std::optional<Event> poll_event();

  /// The next run that may go now, written and sealed into the arena; nothing when nothing is due,
  /// the pacer says later, or the arena has no room. At most `segments_max` packets (>= 1).
  std::optional<Transmit> poll_transmit(Instant now, SendArena& arena, std::size_t segments_max);

  /// When handle_timeout or poll_transmit has something to do next; kNever when only input can
  /// tell.
  Instant next_deadline() const;

  /// The owner will soon call this link, after others: a hint that changes nothing. kFar first, and
  /// kNear when that had time to come.
  void prefetch(Ahead ahead) const;

  /// The same before queue_media() and what goes with it.
  void prefetch_queue() const;

  /// The answer to the handshake went to a second address: nothing is sent to either, in a link
  /// that has not begun, before one has answered a challenge (P-HS-11).
  void doubt_address();

  // Media to send.

  /// Media of `track` (link-local id) is read from `ring`, which outlives the track here.
  void open_egress_track(TrackId track, const PacketRing* ring, Priority priority);

  /// Forgets the track: nothing of it is sent or sent again from now on.
  void close_egress_track(TrackId track);

  /// Queues parts [first, first + count) of one media frame of an open track for sending.
  /// `deadline` is base + dts + B in our clock (P-TIME-01): the receiver's own base lies one
  /// shortest delay behind ours, so what leaves here at the deadline comes just in time on the
  /// shortest path. Everything sent for these parts leaves before it. Refused with kQueueFull when
  /// the queue's entries are used up, kUnknownTrack when the track is not open.
  Status<> queue_media(TrackId track, Seq first, std::uint32_t count, Instant deadline);

  /// Time the queued media needs at the rate the pacer grants: what a verdict asks when a frame
  /// begins.
  Duration queue_delay() const;

  /// The path does not carry all that is offered: a media frame that no other needs is better not
  /// queued. Said when it begins, it holds for all of it; tell of the bytes by note_shed().
  bool shedding() const;

  /// `bytes` of media were not queued because of shedding(): they stay what the path should carry
  /// again.
  void note_shed(std::uint64_t bytes);

  /// The owner could offer media of so many bits per second if the path carried it (a better
  /// rendition, say): the link looks for room for it. Before it is called, or with 0, what is
  /// offered is all there is.
  void set_useful(std::uint64_t media_bits_per_s);

  // Media that comes.

  /// Parts of ingress track `track` (the peer's id) that arrived lie in `ring`, which outlives the
  /// track here: repairs are solved with them. The owner inserts the part of each MediaArrived into
  /// it before it polls again. A track that was not opened is delivered, and not repaired.
  void open_ingress_track(TrackId track, const PacketRing* ring);
  void close_ingress_track(TrackId track);

  // Other things to send.

  /// Appends one message to a control stream. kControlTooLarge above 8192 bytes of body,
  /// kControlOverflow when 64 KiB are unacknowledged.
  Status<> send_message(ControlStreamId stream, std::uint8_t type, Bytes body);

  void request_key(TrackId ingress_track);
  void send_skip(TrackId egress_track, Seq from, Seq to);

  /// What our FEEDBACK says of an ingress track from now on (P-FEEDBACK-03).
  void set_report(TrackId ingress_track, Seq oldest_open, std::uint16_t play_out_delay_ms,
                  std::uint16_t recover_within_ms);
  void clear_report(TrackId ingress_track);

  /// The owner sends from another address from now on: the peer is told at once (P-DATA-06).
  void address_changed();

  /// Ends the link: three CLOSE packets, then a Closed event (by_peer false) and nothing more.
  void close(Instant now, CloseCode code, std::string_view reason);

  // State.

  /// When nothing will have been heard for so long, in spite of a question, that the path may be
  /// dead (P-KEEP-02); kNever while nothing is owed. For an owner that can try another socket.
  Instant doubtful_at() const;

  /// So long after a packet its answer should have come (PTO).
  Duration probe_timeout() const;

  bool established() const;
  bool closed() const;
  ConnectionId connection_id() const;
  const Address& peer() const;
  LinkStats stats() const;

  /// How often something was dropped on this link for this reason.
  std::uint32_t drops(DropReason reason) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::link
