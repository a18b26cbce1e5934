// Sequences of operations on links. The first byte chooses the world: two true links with a network
// between them that the input runs (deliver, drop, duplicate, flip, wait, or run by itself for a
// while at a share of loss), a true relay link against a peer that holds the keys and seals
// whatever the input says, or a pusher, the two links of a relay, and a subscriber. Whatever
// happens: nothing altered is delivered, messages come in order, no honest link is closed as a
// liar, no liar multiplies what is sent, and nothing aborts.
#include <functional>

#include "proto/link/egress.h"
#include "proto/link/repair_controller.h"
#include "tests/fuzz/link_end.h"
#include "tests/unit/link/test_peer.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

/// Rounds of a millisecond that one input may let the network run by itself.
constexpr int kFlowRoundsMax = 1'000;

/// Two links, linked.
class Wire {
 public:
  Wire(End& client, End& relay, const PacketRing* to_relay, const PacketRing* to_client)
      : client_(client), relay_(relay), to_relay_(to_relay), to_client_(to_client) {}

  void deliver(Instant now, End& from, std::size_t index, bool keep) {
    if (from.outbox.empty()) return;
    const auto at = from.outbox.begin() + static_cast<std::ptrdiff_t>(index % from.outbox.size());
    Datagram datagram = at->datagram;
    if (!keep) from.outbox.erase(at);
    hand(now, from, datagram);
  }

  void flip(Instant now, End& from, std::size_t bit) {
    if (from.outbox.empty()) return;
    Datagram datagram = from.outbox.front().datagram;
    bit %= datagram.size() * 8;
    datagram[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    CHECK(!hand(now, from, datagram));
  }

  void handle_timeout(Instant now) {
    for (End* end : {&client_, &relay_}) {
      end->link.handle_timeout(now);
      drain(*end);
    }
  }

  void take_transmits(Instant now, std::size_t segments) {
    client_.take_transmits(now, segments);
    relay_.take_transmits(now, segments);
  }

  /// What the two owners do when they have a clock and nothing else to do.
  void serve(Instant now) {
    for (End* end : {&client_, &relay_}) {
      if (end->link.next_deadline() > now) continue;
      end->link.handle_timeout(now);
      drain(*end);
      end->take_transmits(now, kRunPacketsMax);
    }
  }

  /// What has been under way for `latency` arrives, or is lost.
  void carry(Instant now, Duration latency, unsigned lost_of_256, sim::Xoshiro& random) {
    for (End* from : {&client_, &relay_}) {
      while (!from->outbox.empty() && from->outbox.front().since + latency <= now) {
        if (random.below(256) < lost_of_256) {
          from->outbox.pop_front();
        } else {
          deliver(now, *from, 0, false);
        }
      }
    }
  }

  void drain(End& end) { end.drain(&end == &client_ ? to_client_ : to_relay_, on_media(end)); }

  /// Called with each new part that `at` receives.
  std::function<void(const MediaArrived&)> onward;
  const End* onward_at = nullptr;
  bool client_moved = false;

 private:
  std::function<void(const MediaArrived&)> on_media(const End& end) const {
    if (&end == onward_at) return onward;
    return [](const MediaArrived&) {};
  }

  bool hand(Instant now, End& from, Datagram& datagram) {
    End& to = &from == &client_ ? relay_ : client_;
    const Address home = client_moved ? Address::v4(10, 7, 7, 7, 7) : kClientAddress;
    const Address address = &from == &client_ ? home : kRelayAddress;
    const bool taken = to.link.handle_datagram(now, datagram, address, 0).has_value();
    drain(to);
    return taken;
  }

  End& client_;
  End& relay_;
  const PacketRing* to_relay_;
  const PacketRing* to_client_;
};

/// Nobody lied: whatever ended the link, it was not that.
void check_not_accused(const End& end) {
  CHECK(!end.closed || end.close_code != CloseCode::kProtocolError);
}

class TwoLinks {
 public:
  explicit TwoLinks(Input& input) : input_(input), key_packets_(4ULL + input.u8()) {}

  void run() {
    for (int step = 0; step < 400 && !input_.done(); ++step) {
      const std::uint8_t op = input_.u8();
      apply(op & 0x7FU, (op & 0x80U) != 0 ? client_ : relay_);
      wire_.take_transmits(now_, 1 + op % kRunPacketsMax);
    }
    // At peace afterwards: what neither side closed must still work.
    for (int step = 0; step < 200; ++step) {
      wire_.carry(now_, Duration{0}, 0, random_);
      now_ += milliseconds{20};
      wire_.serve(now_);
    }
    check_not_accused(client_);
    check_not_accused(relay_);
    if (client_.closed || relay_.closed) return;
    CHECK(client_.messages_got == relay_.messages_sent);
    CHECK(relay_.messages_got == client_.messages_sent);
  }

 private:
  void apply(std::uint8_t op, End& from) {
    switch (op % 12) {
      case 0:
      case 1:
        return wire_.deliver(now_, from, input_.u8(), false);
      case 2:
        return wire_.deliver(now_, from, input_.u8(), true);
      case 3:
        return wire_.flip(now_, from, input_.u16());
      case 4:
        if (!from.outbox.empty()) from.outbox.pop_front();
        return;
      case 5:
        return wait(milliseconds{1 + input_.u8()});
      case 6:
        return push(from);
      case 7:
        return from.say();
      case 8:
        return wait(Duration{input_.u16()});
      case 9:
        return from.report(milliseconds{input_.u8() * 2});
      case 10:
        return flow(from);
      default:
        return rare(from);
    }
  }

  void push(End& from) {
    const std::size_t bytes = input_.u16() % 6'000;
    const std::uint8_t patience = input_.u8();
    from.push(bytes, milliseconds{(patience & 0x7F) * 8}, (patience & 0x80U) != 0, now_);
  }

  /// The network by itself: 30 pictures a second from one end, reports from the other.
  void flow(End& from) {
    End& to = &from == &client_ ? relay_ : client_;
    const Duration latency = milliseconds{input_.u8() % 64};
    const unsigned lost = input_.u8() % 160U;
    const std::size_t bytes = 1U + input_.u16() % 12'000U;
    const Duration patience = milliseconds{input_.u8() * 2};
    for (int i = 0; i < 250 && flow_rounds_ < kFlowRoundsMax; ++i, ++flow_rounds_) {
      if (i % 33 == 0) from.push(i % 4 == 0 ? bytes : bytes / 8, patience, i == 0, now_);
      if (i % 10 == 0) to.report(patience);
      now_ += milliseconds{1};
      wire_.carry(now_, latency, lost, random_);
      wire_.serve(now_);
    }
  }

  void rare(End& from) {
    switch (input_.u8() % 16) {
      case 0:
        return from.link.close(now_, CloseCode::kDone, "the input says so");
      case 1:
        return from.link.request_key(kFuzzTrack);
      case 2:
        return from.link.send_skip(kFuzzTrack, Seq{1}, Seq{2});
      case 3:
        return from.link.set_report(TrackId{input_.u8()}, Seq{5}, 1, 2);
      case 4:
        return from.link.clear_report(TrackId{input_.u8()});
      case 5:
        return wait(std::chrono::seconds{1 + input_.u8() % 8});
      case 6:
        return from.link.close_egress_track(kFuzzTrack);
      case 7:
        return from.link.open_egress_track(kFuzzTrack, &from.track.ring,
                                           static_cast<Priority>(input_.u8() % kPriorities));
      case 8:
        return from.link.close_ingress_track(kFuzzTrack);
      case 9:
        return from.link.open_ingress_track(kFuzzTrack, &from.received);
      case 10:
        wire_.client_moved = !wire_.client_moved;
        return;
      default:
        return;
    }
  }

  void wait(Duration time) {
    now_ += time;
    wire_.handle_timeout(now_);
  }

  Input& input_;
  std::uint64_t key_packets_;
  Instant now_ = instant_from_us(1'000'000);
  sim::Xoshiro random_{1};
  End client_{Role::kClient, random_.source(), now_, key_packets_};
  End relay_{Role::kRelay, random_.source(), now_, key_packets_};
  Wire wire_{client_, relay_, &client_.track.ring, &relay_.track.ring};
  int flow_rounds_ = 0;
};

/// A stream through a relay: what arrives on its uplink, by itself, again or revived, goes to its
/// downlink at once, read from the same ring.
class Chain {
 public:
  explicit Chain(Input& input) : input_(input), random_(1 + input.u16()) {
    uplink_wire_.onward = [this](const MediaArrived& media) {
      static_cast<void>(downlink_.link.queue_media(kFuzzTrack, media.seq, 1, now_ + patience_));
    };
    uplink_wire_.onward_at = &uplink_;
    downlink_.link.close_egress_track(kFuzzTrack);
    downlink_.link.open_egress_track(kFuzzTrack, &uplink_.received, Priority::kBase);
  }

  void run() {
    while (!input_.done() && rounds_ < kFlowRoundsMax) flow();
    for (const End* end : {&pusher_, &uplink_, &downlink_, &subscriber_}) check_not_accused(*end);
  }

 private:
  void flow() {
    const unsigned up_lost = input_.u8() % 128U;
    const unsigned down_lost = input_.u8() % 128U;
    const Duration latency = milliseconds{input_.u8() % 60};
    patience_ = milliseconds{input_.u8() * 2};
    const std::size_t bytes = 1U + input_.u16() % 20'000U;
    for (int i = 0; i < 200 && rounds_ < kFlowRoundsMax; ++i, ++rounds_) {
      if (i % 33 == 0) pusher_.push(i == 0 ? bytes : bytes / 8, patience_, i == 0, now_);
      if (i % 10 == 0) {
        uplink_.report(patience_);
        subscriber_.report(patience_);
      }
      now_ += milliseconds{1};
      uplink_wire_.carry(now_, latency, up_lost, random_);
      uplink_wire_.serve(now_);
      downlink_wire_.carry(now_, latency, down_lost, random_);
      downlink_wire_.serve(now_);
    }
  }

  Input& input_;
  sim::Xoshiro random_;
  Instant now_ = instant_from_us(1'000'000);
  Duration patience_{};
  int rounds_ = 0;
  End pusher_{Role::kClient, random_.source(), now_, kKeyPacketsMax};
  End uplink_{Role::kRelay, random_.source(), now_, kKeyPacketsMax};
  End downlink_{Role::kRelay, random_.source(), now_, kKeyPacketsMax};
  End subscriber_{Role::kClient, random_.source(), now_, kKeyPacketsMax};
  Wire uplink_wire_{pusher_, uplink_, &pusher_.track.ring, &uplink_.track.ring};
  Wire downlink_wire_{subscriber_, downlink_, &subscriber_.track.ring, &pusher_.track.ring};
};

/// The relay's link against a peer that says what the input says.
class OneLink {
 public:
  explicit OneLink(Input& input) : input_(input) {}

  void run() {
    for (int step = 0; step < 400 && !input_.done(); ++step) {
      apply(input_.u8());
      relay_.take_transmits(now_, kRunPacketsMax);
      relay_.outbox.clear();
    }
    check_work();
    now_ += std::chrono::seconds{60};
    relay_.link.handle_timeout(now_);
    relay_.link.handle_timeout(now_);
    relay_.drain(nullptr);
    CHECK(relay_.closed);
  }

 private:
  void apply(std::uint8_t op) {
    switch (op % 10) {
      case 0:
        return frames(input_.bytes(input_.u8() * 5U));
      case 1:
        return feedback();
      case 2:
        return control();
      case 3:
        return push();
      case 4:
        return relay_.say();
      case 5:
        return media();
      case 6:
        return repair();
      case 7:
        return honest_feedback();
      case 8:
        now_ += Duration{input_.u16() / 4};
        relay_.link.handle_timeout(now_);
        return relay_.drain(nullptr);
      default:
        now_ += milliseconds{1 + input_.u8()};
        relay_.link.handle_timeout(now_);
        return relay_.drain(nullptr);
    }
  }

  void push() {
    const std::size_t bytes = input_.u16() % 12'000U;
    relay_.push(bytes, milliseconds{input_.u8() * 4}, false, now_);
  }

  /// Whatever the peer says: no more goes again than egress.h and P-REPAIR-03 allow.
  void check_work() const {
    const LinkStats stats = relay_.link.stats();
    const std::uint64_t fresh = stats.media_parts_sent - stats.parts_retransmitted;
    CHECK(stats.parts_retransmitted <= kRetransmitsAtStart + kRetransmitsPerPart * fresh);
    CHECK(static_cast<double>(stats.repairs_sent) <=
          kRepairsAtStart + kPreciousOverdraft + 1 + kRepairsPerPart * static_cast<double>(fresh));
  }

  void hand(Datagram datagram) {
    const Address from = input_.u8() == 1 ? Address::v4(10, 9, 9, 9, 9) : kClientAddress;
    static_cast<void>(relay_.link.handle_datagram(now_, datagram, from, input_.u8() & 3U));
    relay_.drain(nullptr);
  }

  /// Any plaintext at all.
  void frames(Bytes plaintext) { hand(peer_.sealed(plaintext)); }

  /// FEEDBACK that is well-formed, and true or not.
  void feedback() {
    wire::Feedback feedback;
    feedback.number = input_.u8();
    feedback.age = Duration{input_.u16() * 16};
    std::uint64_t top = relay_.link.stats().packets_sent + input_.u8() % 4;
    for (int i = input_.u8() % 34; i >= 0; --i) {
      const std::uint64_t length = 1U + input_.u8() % 8U;
      const std::uint64_t gap = 2U + input_.u8() % 4U;
      if (top < length + gap) break;
      if (!feedback.add_range({{top - length}, {top - 1}})) break;
      top -= length + gap;
    }
    if (feedback.range_count == 0) return;
    hand(peer_.packet([&](wire::FrameWriter& writer) { CHECK(writer.append(feedback)); }));
  }

  /// The newest packets but some: a peer that says it misses all the others. The numbers left out
  /// (P-DATA-05) are few, and may still be hit: then the link closes.
  void honest_feedback() {
    const std::uint64_t sent = relay_.link.stats().packets_sent;
    const std::uint64_t length = 1U + input_.u8() % 4U;
    if (sent < length) return;
    wire::Feedback feedback;
    feedback.number = ++feedbacks_;
    CHECK(feedback.add_range({{sent - length}, {sent - 1}}));
    const wire::TrackReport report{.track = kFuzzTrack, .oldest_open = Seq{input_.u8()}};
    CHECK(feedback.add_report(report));
    hand(peer_.packet([&](wire::FrameWriter& writer) { CHECK(writer.append(feedback)); }));
  }

  void control() {
    const wire::ControlView view{static_cast<wire::ControlStream>(input_.u8() & 1U),
                                 input_.u16() * 7U, input_.bytes(1U + input_.u8())};
    if (view.bytes.empty()) return;
    hand(peer_.packet([&](wire::FrameWriter& writer) { CHECK(writer.append(view)); }));
  }

  Seq near_seq() {
    const std::uint32_t block = input_.u8() % 8U;
    return Seq{block * 600U + input_.u8()};
  }

  /// A part, which nobody pushed.
  void media() {
    std::array<std::byte, kPartPlaintextBytesMax> part{};
    wire::MediaHeader header{.track = kFuzzTrack, .seq = near_seq()};
    header.count = static_cast<std::uint16_t>(1 + input_.u8());
    header.index = static_cast<std::uint16_t>(input_.u8() % header.count);
    wire::encode_media_header(header, std::span{part}.first<kMediaHeaderBytes>());
    const std::size_t body = 1 + input_.u16() % kPartBytesMax;
    part[kMediaHeaderBytes] = std::byte{input_.u8()};
    hand(peer_.packet([&](wire::FrameWriter& writer) {
      CHECK(writer.append_final_part(Bytes{part}.first(kMediaHeaderBytes + body), header.track));
    }));
  }

  /// A repair with an impossible window, length or content, or a possible one.
  void repair() {
    wire::RepairView view{.track = TrackId{static_cast<std::uint8_t>(input_.u8() % 4)},
                          .first = near_seq(),
                          .span = static_cast<std::uint16_t>(1 + input_.u8()),
                          .seed = input_.u16()};
    if (view.span <= 8 * kRepairBitmapBytesMax && (view.seed & 1U) != 0) {
      view.bitmap = input_.bytes((view.span + 7U) / 8U);
      if (view.bitmap.size() < (view.span + 7U) / 8U) return;
    }
    std::vector<std::byte> coded(1 + input_.u16() % kCodedBytesMax);
    const Bytes given = input_.bytes(16);
    std::copy_n(given.begin(), std::min(given.size(), coded.size()), coded.begin());
    view.coded = coded;
    hand(peer_.packet([&](wire::FrameWriter& writer) { static_cast<void>(writer.append(view)); }));
  }

  Input& input_;
  Instant now_ = instant_from_us(1'000'000);
  sim::Xoshiro random_{1};
  End relay_{Role::kRelay, random_.source(), now_, kKeyPacketsMax};
  TestPeer peer_{Role::kClient, 0};
  std::uint16_t feedbacks_ = 0;
};

}  // namespace
}  // namespace sluice::link

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  crypto::init_crypto();
  link::Input input{std::as_bytes(std::span{data, size})};
  switch (input.u8() % 4) {
    case 0:
    case 2:
      link::TwoLinks{input}.run();
      break;
    case 1:
      link::OneLink{input}.run();
      break;
    default:
      link::Chain{input}.run();
  }
  return 0;
}
