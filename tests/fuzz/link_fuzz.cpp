// Sequences of operations on links. The first byte chooses the world: two true links with a network
// between them that the input runs (deliver, drop, duplicate, flip, wait), or a true relay link
// against a peer that holds the keys and seals whatever the input says. Whatever happens: nothing
// altered is delivered, messages come in order, and nothing aborts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "proto/base/check.h"
#include "tests/unit/link/link_pair.h"
#include "tests/unit/link/test_peer.h"

namespace sluice::link {
namespace {

constexpr TrackId kTrack{3};

/// The input, eaten from its front; zeros behind its end.
class Input {
 public:
  explicit Input(Bytes bytes) : reader_(bytes) {}

  std::uint8_t u8() { return reader_.u8(); }

  std::uint16_t u16() { return reader_.u16(); }

  Bytes bytes(std::size_t most) { return reader_.bytes(std::min(most, reader_.remaining())); }

  bool done() const { return reader_.remaining() == 0; }

 private:
  Reader reader_;
};

std::string message_text(std::uint32_t number) {
  return std::to_string(number) + std::string(number * 97 % 700, 'm');
}

/// One end and what it knows of the other's sending.
struct End {
  explicit End(Role role, RandomSource random, Instant now, std::uint64_t key_packets)
      : link(setup(role, random, key_packets), now) {
    track.keep_all = true;
    link.open_egress_track(kTrack, &track.ring,
                           role == Role::kClient ? Priority::kAudio : Priority::kBase);
  }

  static LinkSetup setup(Role role, RandomSource random, std::uint64_t key_packets) {
    LinkSetup made = test_setup(role, random);
    made.key_limits.packets_max = key_packets;
    return made;
  }

  void drain(const End* other) {
    while (const std::optional<Event> event = link.poll_event()) {
      CHECK(!closed);
      closed = std::holds_alternative<Closed>(*event);
      if (other == nullptr) continue;
      if (const auto* media = std::get_if<MediaArrived>(&*event)) {
        const Bytes original = other->track.ring.find(media->seq);
        CHECK(media->track == kTrack && original.size() == media->part.size());
        CHECK(std::equal(original.begin() + 2, original.end(), media->part.begin() + 2));
      } else if (const auto* message = std::get_if<MessageArrived>(&*event)) {
        CHECK(message->type == 5 && as_text(message->body) == message_text(messages_got++));
      }
    }
  }

  void take_transmits(Instant now, std::size_t segments) {
    for (Datagram& datagram : drain_transmits(link, now, segments)) {
      CHECK(datagram.size() <= kDatagramBytesMax);
      // Overload: the network's own queue, not the link's.
      if (outbox.size() < 256) outbox.push_back(std::move(datagram));
    }
    CHECK(link.next_deadline() > kLongAgo);
  }

  void push(Input& input, Instant now) {
    const auto frame = track.add(input.u16() % 6'000, timestamp += 20, false);
    const Duration patience = std::chrono::milliseconds{input.u8() * 8};
    static_cast<void>(link.queue_media(kTrack, frame.first, frame.count, now + patience));
  }

  void say() {
    if (link.send_message(ControlStreamId::kRoom, 5, as_bytes(message_text(messages_sent)))) {
      ++messages_sent;
    }
  }

  TestTrack track{kTrack};
  Link link;
  std::deque<Datagram> outbox;
  std::uint32_t timestamp = 0, messages_sent = 0, messages_got = 0;
  bool closed = false;
};

class TwoLinks {
 public:
  explicit TwoLinks(Input& input) : input_(input), key_packets_(4ULL + input.u8()) {}

  void run() {
    for (int step = 0; step < 400 && !input_.done(); ++step) {
      const std::uint8_t op = input_.u8();
      End& from = (op & 0x80U) != 0 ? client_ : relay_;
      End& to = (op & 0x80U) != 0 ? relay_ : client_;
      apply(op & 0x7FU, from, to);
      client_.take_transmits(now_, 1 + op % kRunPacketsMax);
      relay_.take_transmits(now_, 1 + op % kRunPacketsMax);
    }
    // At peace afterwards: what neither side closed must still work.
    for (int step = 0; step < 200; ++step) {
      while (!client_.outbox.empty()) deliver(client_, relay_, 0, false);
      while (!relay_.outbox.empty()) deliver(relay_, client_, 0, false);
      wait(std::chrono::milliseconds{20});
      client_.take_transmits(now_, kRunPacketsMax);
      relay_.take_transmits(now_, kRunPacketsMax);
    }
    if (client_.closed || relay_.closed) return;
    CHECK(client_.messages_got == relay_.messages_sent);
    CHECK(relay_.messages_got == client_.messages_sent);
  }

 private:
  void apply(std::uint8_t op, End& from, End& to) {
    switch (op % 10) {
      case 0:
      case 1:
        return deliver(from, to, input_.u8(), false);
      case 2:
        return deliver(from, to, input_.u8(), true);
      case 3:
        return flip(from, to);
      case 4:
        if (!from.outbox.empty()) from.outbox.pop_front();
        return;
      case 5:
        return wait(std::chrono::milliseconds{1 + input_.u8()});
      case 6:
        return from.push(input_, now_);
      case 7:
        return from.say();
      case 8:
        return wait(Duration{input_.u16()});
      default:
        return rare(from);
    }
  }

  void rare(End& from) {
    switch (input_.u8() % 16) {
      case 0:
        return from.link.close(now_, CloseCode::kDone, "the input says so");
      case 1:
        return from.link.request_key(kTrack);
      case 2:
        return from.link.send_skip(kTrack, Seq{1}, Seq{2});
      case 3:
        return from.link.set_report(TrackId{input_.u8()}, Seq{5}, 1, 2);
      case 4:
        return from.link.clear_report(TrackId{input_.u8()});
      case 5:
        return wait(std::chrono::seconds{1 + input_.u8() % 8});
      default:
        return;
    }
  }

  void deliver(End& from, End& to, std::size_t index, bool keep) {
    if (from.outbox.empty()) return;
    const auto at = from.outbox.begin() + static_cast<std::ptrdiff_t>(index % from.outbox.size());
    Datagram datagram = *at;
    if (!keep) from.outbox.erase(at);
    hand(to, from, datagram);
  }

  void flip(End& from, End& to) {
    if (from.outbox.empty()) return;
    Datagram datagram = from.outbox.front();
    const std::size_t bit = input_.u16() % (datagram.size() * 8);
    datagram[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    CHECK(!hand(to, from, datagram));
  }

  bool hand(End& to, End& from, Datagram& datagram) {
    const Address address = &from == &client_ ? kClientAddress : kRelayAddress;
    const bool taken = to.link.handle_datagram(now_, datagram, address, 0).has_value();
    to.drain(&from);
    return taken;
  }

  void wait(Duration time) {
    now_ += time;
    client_.link.handle_timeout(now_);
    client_.drain(&relay_);
    relay_.link.handle_timeout(now_);
    relay_.drain(&client_);
  }

  Input& input_;
  std::uint64_t key_packets_;
  Instant now_ = instant_from_us(1'000'000);
  sim::Xoshiro random_{1};
  End client_{Role::kClient, random_.source(), now_, key_packets_};
  End relay_{Role::kRelay, random_.source(), now_, key_packets_};
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
    now_ += std::chrono::seconds{60};
    relay_.link.handle_timeout(now_);
    relay_.link.handle_timeout(now_);
    relay_.drain(nullptr);
    CHECK(relay_.closed);
  }

 private:
  void apply(std::uint8_t op) {
    switch (op % 6) {
      case 0:
        return frames(input_.bytes(input_.u8() * 5U));
      case 1:
        return feedback();
      case 2:
        return control();
      case 3:
        return relay_.push(input_, now_);
      case 4:
        return relay_.say();
      default:
        now_ += std::chrono::milliseconds{1 + input_.u8()};
        relay_.link.handle_timeout(now_);
        return relay_.drain(nullptr);
    }
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

  void control() {
    const wire::ControlView view{static_cast<wire::ControlStream>(input_.u8() & 1U),
                                 input_.u16() * 7U, input_.bytes(1U + input_.u8())};
    if (view.bytes.empty()) return;
    hand(peer_.packet([&](wire::FrameWriter& writer) { CHECK(writer.append(view)); }));
  }

  Input& input_;
  Instant now_ = instant_from_us(1'000'000);
  sim::Xoshiro random_{1};
  End relay_{Role::kRelay, random_.source(), now_, kKeyPacketsMax};
  TestPeer peer_{Role::kClient, 0};
};

}  // namespace
}  // namespace sluice::link

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  crypto::init_crypto();
  link::Input input{std::as_bytes(std::span{data, size})};
  if ((input.u8() & 1U) == 0) {
    link::TwoLinks{input}.run();
  } else {
    link::OneLink{input}.run();
  }
  return 0;
}
