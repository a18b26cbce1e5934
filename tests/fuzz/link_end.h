// One end of a fuzzed link: the link, the media it sends, the media it keeps, and what must hold of
// all that comes out of it. The worlds of link_fuzz.cpp are made of these.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "proto/base/check.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::link {

inline constexpr TrackId kFuzzTrack{3};

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

inline std::string message_text(std::uint32_t number) {
  return std::to_string(number) + std::string(number * 97 % 700, 'm');
}

/// A datagram under way.
struct Flying {
  Instant since{};
  Datagram datagram;
};

struct End {
  End(Role role, RandomSource random, Instant now, std::uint64_t key_packets)
      : link(setup(role, random, key_packets), now) {
    track.keep_all = true;
    link.open_egress_track(kFuzzTrack, &track.ring,
                           role == Role::kClient ? Priority::kBase : Priority::kAudio);
    link.open_ingress_track(kFuzzTrack, &received);
  }

  static LinkSetup setup(Role role, RandomSource random, std::uint64_t key_packets) {
    LinkSetup made = test_setup(role, random);
    made.key_limits.packets_max = key_packets;
    return made;
  }

  /// Takes all events. `source` holds what the other end sends, null when the other end lies;
  /// `on_media` is called with each part that is new here.
  template <class OnMedia>
  void drain(const PacketRing* source, OnMedia&& on_media) {
    while (const std::optional<Event> event = link.poll_event()) {
      CHECK(!closed);
      if (const auto* end = std::get_if<Closed>(&*event)) {
        closed = true;
        close_code = end->code;
      } else if (const auto* media = std::get_if<MediaArrived>(&*event)) {
        if (keep(*media, source)) on_media(*media);
      } else if (const auto* message = std::get_if<MessageArrived>(&*event)) {
        if (source == nullptr) continue;
        CHECK(message->type == 5 && as_text(message->body) == message_text(messages_got++));
      }
    }
  }

  void drain(const PacketRing* source) {
    drain(source, [](const MediaArrived&) {});
  }

  /// All that is due now, into the outbox.
  void take_transmits(Instant now, std::size_t segments) {
    static std::vector<std::byte> memory(kRunPacketsMax * kDatagramBytesMax);
    for (;;) {
      SendArena arena{memory};
      const std::optional<Transmit> transmit = link.poll_transmit(now, arena, segments);
      if (!transmit) break;
      std::vector<Datagram> datagrams;
      cut(*transmit, datagrams);
      for (Datagram& datagram : datagrams) {
        CHECK(datagram.size() <= kDatagramBytesMax);
        // Overload: the network's own queue, not the link's.
        if (outbox.size() < 256) outbox.push_back({now, std::move(datagram)});
      }
    }
    CHECK(link.next_deadline() > kLongAgo);
  }

  void push(std::size_t bytes, Duration patience, bool key, Instant now) {
    const auto frame = track.add(bytes, timestamp += 20, key);
    static_cast<void>(link.queue_media(kFuzzTrack, frame.first, frame.count, now + patience));
  }

  void say() {
    if (link.send_message(ControlStreamId::kRoom, 5, as_bytes(message_text(messages_sent)))) {
      ++messages_sent;
    }
  }

  /// What an honest receiver reports: the oldest part that it waits for.
  void report(Duration play_out) {
    for (std::uint32_t i = 0; i < 512 && !received.find(oldest_open).empty(); ++i) ++oldest_open;
    link.set_report(kFuzzTrack, oldest_open, static_cast<std::uint16_t>(play_out.count() / 1000),
                    60);
  }

  TestTrack track{kFuzzTrack};
  PacketRing received;
  Link link;
  std::deque<Flying> outbox;
  Seq oldest_open{};
  std::uint32_t timestamp = 0, messages_sent = 0, messages_got = 0;
  bool closed = false;
  CloseCode close_code = CloseCode::kDone;

 private:
  /// Nothing altered is delivered, and nothing revived that is here already (P-REPAIR-04). True
  /// when the part is new.
  bool keep(const MediaArrived& media, const PacketRing* source) {
    if (media.track != kFuzzTrack) {
      CHECK(source == nullptr);
      return false;
    }
    if (source != nullptr) {
      const Bytes original = source->find(media.seq);
      CHECK(original.size() == media.part.size() && original[0] == media.part[0]);
      CHECK(std::equal(original.begin() + 2, original.end(), media.part.begin() + 2));
    }
    CHECK(!media.revived || received.find(media.seq).empty());
    return received.insert(media.seq, media.part, source == nullptr ? media.seq : Seq{}) ==
           PacketRing::Insert::kStored;
  }
};

}  // namespace sluice::link
