// Link::State: the parts a link is made of, and the few things that tie them together. Only
// link*.cpp includes this. Input (link_input.cpp) changes the parts and leaves events; output
// (link_output.cpp) asks each part what is due and writes packets.
#pragma once

#include <array>
#include <optional>

#include "proto/base/ring_queue.h"
#include "proto/crypto/packet_protection.h"
#include "proto/crypto/replay_window.h"
#include "proto/link/arrival_jitter.h"
#include "proto/link/byte_ledger.h"
#include "proto/link/closing.h"
#include "proto/link/control_stream.h"
#include "proto/link/drop_counts.h"
#include "proto/link/egress.h"
#include "proto/link/ingress.h"
#include "proto/link/lifetime.h"
#include "proto/link/link.h"
#include "proto/link/loss.h"
#include "proto/link/pacer.h"
#include "proto/link/packet_builder.h"
#include "proto/link/path.h"
#include "proto/link/received_packets.h"
#include "proto/link/rtt.h"
#include "proto/link/send_rate.h"
#include "proto/link/sent_packets.h"
#include "proto/link/silence.h"
#include "proto/link/track_reports.h"

namespace sluice::link {

struct Link::State {
  State(LinkSetup setup, Instant now);

  // Input: link_input.cpp.

  Status<> handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                           std::uint8_t ecn);
  void handle_timeout(Instant now);
  std::optional<Event> poll_event();

  // Output: link_output.cpp.

  std::optional<Transmit> poll_transmit(Instant now, SendArena& arena, std::size_t segments_max);
  Instant next_deadline() const;

  // Hints, for an owner of many links: link.cpp.

  void prefetch_state() const;
  void prefetch_tables() const;
  void prefetch_queue() const;

  // The end of the link.

  void close(Instant now, CloseCode code, std::string_view reason);
  void end(CloseCode code, bool by_peer, std::string_view reason);

  /// Nothing is taken any more, from either side.
  bool ending() const { return ended || closing.started(); }

  /// A relay sends nothing before the client's first authentic packet, and to an address that may
  /// be somebody else's only the challenge (P-HS-11).
  bool may_send() const {
    return role == Role::kClient || (lifetime.established() && path.proven());
  }

  void add_event(const Event& event);
  void add_pending(const SentItem& item);

  PathView path_view(Instant at) const;
  LossContext loss_context() const;

  /// P-KEEP-02: a client asks when media stops; a relay has no other address to try.
  Instant ask_at() const { return role == Role::kClient ? silence.ask_at() : kNever; }

  // Who we are.

  const Role role;
  const wire::Direction send_direction, receive_direction;
  const ConnectionId connection_id;
  const ResetToken reset_token;
  const RandomSource random;

  // Sealing.

  crypto::PacketProtection protection;
  crypto::ReplayWindow replay;
  PacketNumber skip_at;  // the next number that is never sent (P-DATA-05)

  // What came.

  ReceivedPackets received;
  ArrivalJitter jitter;
  std::array<ControlReceiver, 2> control_in;
  Ingress ingress;
  std::uint64_t implausible_counted = 0;  // of ingress.implausible(): in drops
  RingQueue<Event> events{kLinkEventsMax};
  MutableBytes unpolled;  // plaintext of the last datagram whose media was not asked for yet

  // What went, and goes.

  RttEstimator rtt;
  SentPackets sent;
  LossDetector loss;
  DropCounts drops;
  Egress egress{drops};
  Pacer pacer;
  SendRate rate;
  std::uint16_t next_probe_seed = UINT16_MAX;
  std::array<ControlSender, 2> control_out;
  RingQueue<SentItem> pending{kPendingFramesMax};  // KEY_REQUEST and SKIP
  TrackReports reports;
  std::optional<wire::PathToken> path_response;
  bool ping_wanted = false;
  Instant last_asking = kLongAgo;  // a packet that asks for feedback was sent

  // Being alive.

  Path path;
  Lifetime lifetime;
  Silence silence;
  Closing closing;
  CloseReason close_reason;
  Closed closed_event;
  bool ended = false;
  bool end_told = false;
  Instant now;  // of the last call
  LinkStats counts;
  ByteLedger ledger;

 private:
  struct Contents;

  // Input.
  Unexpected<DropReason> drop(DropReason reason);
  Status<> handle_data(MutableBytes datagram, const Address& from, std::uint8_t ecn);
  static Result<Contents> scan(Bytes plaintext);
  void drop_unpolled();
  void handle_frames(Bytes plaintext);

  void handle(const wire::MediaView&) {}  // poll_event walks media

  void handle(const wire::FeedbackView& view);

  void handle(wire::Ping) {}  // asks for feedback: scan() saw it

  void handle(const wire::KeyRequest& request);
  void handle(const wire::Skip& skip);
  void handle(const wire::RepairView&);
  void end_liar();
  void handle(const wire::Close& frame);
  void handle(const wire::PathChallenge& challenge);
  void handle(const wire::PathResponse& response);
  void handle(const wire::ControlView& control);
  void handle(const wire::UnknownFrame& frame);
  void on_lost(const SentItem& item);
  void probe();
  std::optional<Event> poll_message();
  std::optional<Event> poll_media();
  std::optional<Event> poll_revived();

  // Output.
  bool bundle_due(Instant at) const;
  bool instant_work() const;
  void prepare_numbers();
  std::optional<Transmit> write_close(SendArena& arena);
  std::optional<Transmit> write_challenge(SendArena& arena);
  std::optional<Transmit> write_bundle(SendArena& arena);
  std::optional<Transmit> write_run(SendArena& arena, std::size_t packets_max, Priority priority);
  bool append_feedback(wire::FrameWriter& frames);
  bool append_control(wire::FrameWriter& frames);
  bool append_pending(wire::FrameWriter& frames);
  bool append_audio(wire::FrameWriter& frames);
  bool append_audio_repair(wire::FrameWriter& frames, const NextPart& next);
  std::optional<Transmit> write_probe(SendArena& arena, std::size_t packets_max);
  static bool append_next(wire::FrameWriter& frames, const NextPart& next);
  void note(const NextPart& next);
  bool append_pings(wire::FrameWriter& frames, bool asks);
  std::optional<Transmit> send_one(SendArena& arena, PacketBuilder& packet, const Address& to,
                                   bool asks_feedback);
  std::optional<Transmit> seal(SendArena& arena, std::span<const crypto::SealJob> jobs,
                               const Address& to);
  void commit(std::size_t bytes, bool asks_feedback);
};

}  // namespace sluice::link
