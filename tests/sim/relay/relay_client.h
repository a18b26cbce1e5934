// RelayClient: a member for simulations: handshake and link as a real client has them, made-up
// media, and a memory of everything sent and received, part by part. A part's number is the same
// from the pusher through every relay, so what arrived is compared with what was sent without any
// decoding.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/crypto/client_handshake.h"
#include "proto/link/link.h"
#include "proto/wire/application_message.h"
#include "proto/wire/fragment.h"
#include "proto/wire/room_message.h"
#include "sim/net.h"
#include "sim/relay/relay_node.h"
#include "sim/xoshiro.h"

namespace sluice::sim {

/// Bodies of parts by number, with the header bytes that are the same for everybody.
using Parts = std::map<std::uint32_t, std::vector<std::byte>>;

/// One more rendition of the picture, worse than those before it.
struct RenditionPlan {
  std::size_t key_bytes = 8000;
  std::size_t delta_bytes = 2700;
  std::uint32_t key_offset = 0;  // frames that its key frames lie behind those of the best
  FourCC codec = FourCC::kAvc;
};

/// What a client pushes under one name: 30 fps video with a key frame a second, and audio.
struct PushPlan {
  std::string name;
  bool video = true;
  bool audio = true;
  std::size_t key_bytes = 20'000;
  std::size_t delta_bytes = 4000;
  std::uint32_t gop_frames = 30;
  bool key_on_request = false;
  Duration stop_after = std::chrono::hours{1};
  Duration best_stops_after = std::chrono::hours{1};  // its first rendition disappears
  std::vector<RenditionPlan> further;                 // renditions besides the one above
};

struct RelayClientConfig {
  std::uint64_t seed = 1;
  std::vector<PushPlan> pushes;
  bool subscribe_all = true;
  std::vector<std::string> subscribe;  // by name
  bool early = true;                   // requests ride in INIT
  std::uint32_t video_bits_per_s_max = 0;
  std::uint16_t play_out_ms = 2000;  // also how long a part is worth sending to the relay
};

class RelayClient : public SimNode {
 public:
  RelayClient(RelayClientConfig config, const Address& relay, const crypto::RelayKey& key,
              RelayNode::Credentials credentials, Instant now);

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override;
  void handle_timeout(Instant now) override;
  Instant next_deadline() const override;
  std::optional<SimDatagram> poll_datagram(Instant now) override;

  void send(const wire::RoomMessage& message);
  void send_text(std::string_view to, std::string_view text);
  void leave(Instant now);

  /// Stops media; parts lost are still sent again.
  void stop_media() { media_stopped_ = true; }

  bool joined() const { return link_ != nullptr && link_->established(); }

  /// The first INIT again, as an eavesdropper has it.
  const std::vector<std::byte>& first_init() const { return first_init_; }

  std::optional<crypto::HandshakeStatus> refused;
  std::optional<link::CloseCode> closed;
  std::optional<Instant> first_media_at;
  std::vector<wire::RoomMessage> messages;
  std::vector<wire::TextMessage> texts;
  std::uint32_t key_requests = 0;
  std::optional<crypto::ResumeTicket> resume;

  /// Every part that came, once more each time it came.
  struct Arrival {
    TrackId track{};  // the relay's id for us
    Seq seq;
    std::uint32_t dts_ms = 0;
    Instant at{};
  };

  std::vector<Arrival> arrivals;

  /// By "stream/a" or "stream/v".
  std::map<std::string, Parts> sent, received;
  std::map<std::string, std::vector<std::pair<Seq, Seq>>> skipped;

  link::Link* link() { return link_.get(); }

  /// "stream/a", "stream/v", of further renditions "stream/v1" and so on; empty: not known.
  std::string key_of(TrackId id) const {
    const auto known = ingress_.find(id);
    return known == ingress_.end() ? std::string{} : known->second.key;
  }

  template <class M>
  std::vector<M> messages_of() const {
    std::vector<M> of;
    for (const wire::RoomMessage& message : messages) {
      if (const M* m = std::get_if<M>(&message)) of.push_back(*m);
    }
    return of;
  }

 private:
  struct PushedTrack {
    TrackId id{};
    std::string key;
    RtmpType type{};
    wire::Fragmenter fragmenter;
    std::unique_ptr<PacketRing> ring;
    RenditionPlan sizes;
    Instant next_at{};
    std::uint32_t frames = 0;
  };

  struct Pushed {
    PushPlan plan;
    wire::RequestId request{};
    std::optional<wire::StreamHandle> handle;
    Instant began{};
    std::vector<PushedTrack> tracks;
  };

  struct EgressTrack {
    std::string key;
    std::optional<Seq> open;
  };

  std::vector<wire::RoomMessage> first_requests();
  void begin_link(Instant now, crypto::Accepted accepted);
  void handle_events(Instant now);
  void handle_message(Instant now, const link::MessageArrived& message);
  void handle_media(Instant now, const link::MediaArrived& media);
  void take_early_media();
  void push_due(Instant now);
  void push_frame(Instant now, Pushed& pushed, PushedTrack& track);
  void report();

  RelayClientConfig config_;
  Address relay_;
  Xoshiro random_;
  std::optional<crypto::ClientHandshake> handshake_;
  std::unique_ptr<link::Link> link_;
  std::vector<Pushed> pushed_;
  std::map<TrackId, EgressTrack> ingress_;  // what the relay sends us
  std::map<TrackId, std::vector<std::vector<std::byte>>> early_media_;
  std::vector<std::byte> arena_memory_;
  link::SendArena arena_;
  std::deque<SimDatagram> outbox_;
  std::vector<std::byte> first_init_;
  bool media_stopped_ = false;
};

/// How many parts of `sent` from the number `from` on are missing in `received`, and how many
/// differ.
struct Difference {
  std::size_t missing = 0;
  std::size_t different = 0;  // or never sent at all
};

Difference compare(const Parts& sent, const Parts& received, std::uint32_t from);

/// The header of a part as remembered (track 0).
wire::MediaHeader header_of(const std::vector<std::byte>& part);

}  // namespace sluice::sim
