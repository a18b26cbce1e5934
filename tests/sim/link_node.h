// LinkNode: one end of a link on the simulated network, with media and messages to send and a
// ledger of what came from the other end. It checks at every step what must hold of a link at all
// times.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/link/link.h"
#include "proto/link/rtt.h"
#include "proto/wire/packet.h"
#include "sim/net.h"
#include "sim/xoshiro.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::sim {

inline constexpr TrackId kSimVideo{0};
inline constexpr TrackId kSimAudio{1};

/// What one end pushes: 30 pictures and 50 audio blocks a second, a message every 100 ms.
struct SimSource {
  SimSource() {
    video.keep_all = true;
    audio.keep_all = true;
  }

  link::TestTrack video{TrackId{7}, Seq{Seq::kModulus - 500}};  // the numbers wrap under way
  link::TestTrack audio{TrackId{8}};
  std::vector<Instant> video_deadlines, audio_deadlines;  // by part, to leave by
  std::uint32_t messages = 0;
};

/// What came from the other end.
struct SimLedger {
  std::vector<bool> video, audio;  // by part, from the source's first
  std::uint64_t parts = 0, duplicates = 0, altered = 0;
  std::uint32_t messages[2] = {0, 0};
  Duration behind_deadline = Duration::min();  // the latest part, after it had to leave
  bool messages_in_order = true;
  std::uint64_t address_changes = 0, given_up = 0;
  std::optional<link::Closed> closed;
};

inline std::string sim_message(std::uint32_t number) {
  return "message " + std::to_string(number) + std::string(number * 37 % 900, '.');
}

class LinkNode : public SimNode {
 public:
  LinkNode(link::LinkSetup setup, Instant now) : role_(setup.role) {
    link_ = std::make_unique<link::Link>(std::move(setup), now);
    link_->open_egress_track(kSimVideo, &source.video.ring, link::Priority::kBase);
    link_->open_egress_track(kSimAudio, &source.audio.ring, link::Priority::kAudio);
  }

  /// The other end's source: what arrives is held against it.
  void expect_from(const SimSource& other) { expected_ = &other; }

  void push_picture(Instant now, std::size_t bytes, Duration patience) {
    push(kSimVideo, source.video, source.video_deadlines, bytes, now + patience);
  }

  void push_audio(Instant now, Duration patience) {
    push(kSimAudio, source.audio, source.audio_deadlines, 120, now + patience);
  }

  void push_message() {
    const std::string text = sim_message(source.messages++);
    for (const auto id : {link::ControlStreamId::kRoom, link::ControlStreamId::kApplication}) {
      EXPECT_TRUE(link_->send_message(id, 9, as_bytes(text)));
    }
  }

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override {
    inbox_.assign(bytes.begin(), bytes.end());
    const Status<> taken = link_->handle_datagram(now, inbox_, from, 0);
    if (!taken) ++refused;
    drain(now);
  }

  void handle_timeout(Instant now) override {
    link_->handle_timeout(now);
    drain(now);
  }

  Instant next_deadline() const override { return link_->next_deadline(); }

  std::optional<SimDatagram> poll_datagram(Instant now) override {
    if (outbox_.empty()) refill(now);
    if (outbox_.empty()) return std::nullopt;
    SimDatagram datagram = std::move(outbox_.front());
    outbox_.pop_front();
    return datagram;
  }

  link::Link& link() { return *link_; }

  SimSource source;
  SimLedger ledger;
  std::uint64_t refused = 0;
  std::uint64_t datagrams = 0;

 private:
  void push(TrackId track, link::TestTrack& from, std::vector<Instant>& deadlines,
            std::size_t bytes, Instant deadline) {
    const auto frame = from.add(bytes, timestamp_ += 10, false);
    deadlines.resize(deadlines.size() + frame.count, deadline);
    EXPECT_TRUE(link_->queue_media(track, frame.first, frame.count, deadline));
  }

  void refill(Instant now) {
    link::SendArena arena{memory_};
    const auto transmit = link_->poll_transmit(now, arena, kRunPacketsMax);
    if (!transmit) return;
    std::vector<link::Datagram> cut;
    link::cut(*transmit, cut);
    for (link::Datagram& datagram : cut) {
      check_number(datagram);
      ++datagrams;
      outbox_.push_back({transmit->to, std::move(datagram)});
    }
  }

  /// P-DATA-02: numbers rise, so none is used twice.
  void check_number(const link::Datagram& datagram) {
    const auto direction =
        role_ == link::Role::kClient ? wire::Direction::kToRelay : wire::Direction::kFromRelay;
    const std::uint32_t low = wire::read_data_header(datagram, direction).number_low;
    const PacketNumber number = expand_packet_number(low, next_number_);
    EXPECT_GE(number, next_number_);
    EXPECT_LE(datagram.size(), kDatagramBytesMax);
    next_number_ = number + 1;
  }

  void drain(Instant now) {
    while (const std::optional<link::Event> event = link_->poll_event()) {
      EXPECT_FALSE(ledger.closed) << "nothing comes after Closed";
      std::visit([this](const auto& e) { record(e); }, *event);
      if (const auto* media = std::get_if<link::MediaArrived>(&*event)) record_time(now, *media);
    }
    const link::LinkStats stats = link_->stats();
    EXPECT_LE(stats.packets_lost, stats.packets_sent);
    EXPECT_LE(stats.loss_ratio, 1.0);
    EXPECT_GE(stats.srtt, Duration{0});
    EXPECT_GE(link_->queue_delay(), Duration{0});
  }

  void record_time(Instant now, const link::MediaArrived& media) {
    const bool is_video = media.track == kSimVideo;
    const link::TestTrack& track = is_video ? expected_->video : expected_->audio;
    const std::vector<Instant>& deadlines =
        is_video ? expected_->video_deadlines : expected_->audio_deadlines;
    const auto index = static_cast<std::size_t>(media.seq.distance_from(track.first));
    ledger.behind_deadline = std::max(ledger.behind_deadline, now - deadlines[index]);
  }

  void record(const link::MediaArrived& media) {
    ++ledger.parts;
    const bool is_video = media.track == kSimVideo;
    const link::TestTrack& track = is_video ? expected_->video : expected_->audio;
    std::vector<bool>& seen = is_video ? ledger.video : ledger.audio;
    const Bytes original = track.ring.find(media.seq);
    const bool equal = original.size() == media.part.size() && original[0] == media.part[0] &&
                       std::equal(original.begin() + 2, original.end(), media.part.begin() + 2);
    if (!equal) ++ledger.altered;
    const auto index = static_cast<std::size_t>(media.seq.distance_from(track.first));
    if (index >= seen.size()) seen.resize(index + 1);
    if (seen[index]) ++ledger.duplicates;
    seen[index] = true;
  }

  void record(const link::MessageArrived& message) {
    std::uint32_t& next = ledger.messages[static_cast<std::size_t>(message.stream)];
    if (message.type != 9 || as_text(message.body) != sim_message(next)) {
      ledger.messages_in_order = false;
    }
    ++next;
  }

  void record(const link::AddressChanged&) { ++ledger.address_changes; }

  void record(const link::GaveUp&) { ++ledger.given_up; }

  void record(const link::Closed& closed) { ledger.closed = closed; }

  void record(const link::Established&) {}

  void record(const link::KeyRequested&) {}

  void record(const link::Skipped&) {}

  void record(const link::TrackReported&) {}

  link::Role role_;
  std::unique_ptr<link::Link> link_;
  const SimSource* expected_ = nullptr;
  PacketNumber next_number_{};
  std::uint32_t timestamp_ = 0;
  std::vector<std::byte> inbox_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(kRunPacketsMax * kDatagramBytesMax);
  std::deque<SimDatagram> outbox_;
};

}  // namespace sluice::sim
