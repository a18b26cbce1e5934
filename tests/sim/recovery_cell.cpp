#include "tests/sim/recovery_cell.h"

#include <algorithm>

namespace sluice::sim {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kPicturesPerSecond = 30;
constexpr std::int64_t kPicturesPerGop = 60;
constexpr std::int64_t kKeyFactor = 8;
constexpr Duration kAudioEvery = milliseconds{20};
constexpr std::size_t kAudioBytes = 160;

link::LinkStats difference(link::LinkStats now, const link::LinkStats& before) {
  now.bytes_sent -= before.bytes_sent;
  now.media_bytes_sent -= before.media_bytes_sent;
  now.header_bytes_sent -= before.header_bytes_sent;
  now.retransmitted_bytes_sent -= before.retransmitted_bytes_sent;
  now.repair_bytes_sent -= before.repair_bytes_sent;
  now.probe_bytes_sent -= before.probe_bytes_sent;
  now.control_bytes_sent -= before.control_bytes_sent;
  return now;
}

}  // namespace

/// One end: a link on the simulated network, and whom to tell of what arrives.
class RecoveryCell::End : public SimNode {
 public:
  End(RecoveryCell& cell, link::LinkSetup setup) : cell_(cell), link_(std::move(setup), {}) {}

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override {
    inbox_.assign(bytes.begin(), bytes.end());
    static_cast<void>(link_.handle_datagram(now, inbox_, from, 0));
    drain(now);
  }

  void handle_timeout(Instant now) override {
    link_.handle_timeout(now);
    drain(now);
  }

  Instant next_deadline() const override { return link_.next_deadline(); }

  std::optional<SimDatagram> poll_datagram(Instant now) override {
    if (outbox_.empty()) {
      link::SendArena arena{memory_};
      const auto transmit = link_.poll_transmit(now, arena, kRunPacketsMax);
      if (!transmit) return std::nullopt;
      std::vector<link::Datagram> cut;
      link::cut(*transmit, cut);
      for (link::Datagram& each : cut) outbox_.push_back({transmit->to, std::move(each)});
    }
    SimDatagram datagram = std::move(outbox_.front());
    outbox_.pop_front();
    return datagram;
  }

  link::Link& link() { return link_; }

 private:
  void drain(Instant now) {
    while (const std::optional<link::Event> event = link_.poll_event()) {
      if (const auto* media = std::get_if<link::MediaArrived>(&*event)) cell_.receive(now, *media);
      if (std::holds_alternative<link::GaveUp>(*event)) ++cell_.figures_.given_up;
    }
    if (this == cell_.receiver_.get()) cell_.report(now);
  }

  RecoveryCell& cell_;
  link::Link link_;
  std::vector<std::byte> inbox_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(kRunPacketsMax * kDatagramBytesMax);
  std::deque<SimDatagram> outbox_;
};

RecoveryCell::RecoveryCell(const RecoveryCellConfig& config)
    : config_(config), random_(config.seed), net_(config.seed) {
  crypto::init_crypto();
  link::LinkSetup relay = link::test_setup(link::Role::kRelay, random_.source());
  relay.pacer_bits_per_s = config.pacer_bits_per_s;
  sender_ = std::make_unique<End>(*this, std::move(relay));
  receiver_ = std::make_unique<End>(*this, link::test_setup(link::Role::kClient, random_.source()));
  sender_->link().open_egress_track(video_.id, &video_.source.ring, link::Priority::kBase);
  sender_->link().open_egress_track(audio_.id, &audio_.source.ring, link::Priority::kAudio);
  receiver_->link().open_ingress_track(video_.id, &video_.arrived);
  receiver_->link().open_ingress_track(audio_.id, &audio_.arrived);
  net_.add(link::kRelayAddress, *sender_);
  net_.add(link::kClientAddress, *receiver_);
  net_.connect(link::kRelayAddress, link::kClientAddress, config.path, config.path);
}

RecoveryCell::~RecoveryCell() = default;

RecoveryFigures RecoveryCell::run() {
  net_.run_until({}, [] { return false; });
  net_.run_for(milliseconds{600});  // the first packets of the link, and what is lost of them
  const Instant begin = net_.now();
  counted_from_ = begin + config_.begins;
  counted_to_ = counted_from_ + config_.time;
  const std::uint64_t per_gop = config_.bits_per_s / 8 * kPicturesPerGop / kPicturesPerSecond;
  const std::size_t picture = per_gop / (kPicturesPerGop - 1 + kKeyFactor);
  link::LinkStats sender_before, receiver_before;
  for (std::int64_t i = 0;; ++i) {
    const Instant when = begin + std::chrono::microseconds{i * 1'000'000 / kPicturesPerSecond};
    if (when >= counted_to_) break;
    if (config_.audio) {
      // Of the times of audio those up to this picture.
      for (Instant at = begin + kAudioEvery * static_cast<std::int64_t>(
                                                  audio_.source.fragmenter.next_seq().distance_from(
                                                      audio_.source.first));
           at <= when; at += kAudioEvery) {
        net_.run_until(at);
        push(at, audio_, kAudioBytes, false);
      }
    }
    net_.run_until(when);
    if (when >= counted_from_ && sender_before.bytes_sent == 0) {
      sender_before = sender_->link().stats();
      receiver_before = receiver_->link().stats();
    }
    const bool key = i % kPicturesPerGop == 0;
    push(when, video_, key ? picture * kKeyFactor : picture, key);
  }
  net_.run_for(config_.budget + config_.path.latency * 2);
  report(net_.now() + std::chrono::hours{1});
  figures_.sender = difference(sender_->link().stats(), sender_before);
  figures_.receiver = difference(receiver_->link().stats(), receiver_before);
  return figures_;
}

void RecoveryCell::push(Instant now, Track& track, std::size_t bytes, bool key) {
  const auto ms = static_cast<std::uint32_t>(to_us(now) / 1'000);
  const auto sent = track.source.add(bytes, ms, key);
  Frame frame{.first = sent.first, .count = sent.count, .key = key};
  frame.counted = now >= counted_from_;
  frame.deadline = now + config_.path.latency + config_.budget;
  track.frames.push_back(frame);
  if (frame.counted) figures_.media_bytes += sent.unit_bytes;
  static_cast<void>(
      sender_->link().queue_media(track.id, sent.first, sent.count, now + config_.budget));
  // The owner of a link asks it for output after every call of its own; the net does it after
  // every event, so one is made.
  net_.at(now, [](Instant) {});
  net_.run_until(now);
}

void RecoveryCell::receive(Instant now, const link::MediaArrived& media) {
  Track& track = track_of(media.track);
  const Bytes original = track.source.ring.find(media.seq);
  if (!original.empty() &&
      (original.size() != media.part.size() || original[0] != media.part[0] ||
       !std::equal(original.begin() + 2, original.end(), media.part.begin() + 2))) {
    ++figures_.altered;
  }
  if (track.arrived.insert(media.seq, media.part, track.oldest_open) !=
      PacketRing::Insert::kStored) {
    return;
  }
  for (Frame& frame : track.frames) {
    const std::int32_t index = media.seq.distance_from(frame.first);
    if (index < 0 || index >= frame.count) continue;
    if (++frame.received == frame.count) frame.whole_at = now;
    return;
  }
}

void RecoveryCell::report(Instant now) {
  const auto delay = static_cast<std::uint16_t>(config_.budget / milliseconds{1});
  for (Track* track : {&video_, &audio_}) {
    if (track == &audio_ && !config_.audio) continue;
    judge(now, *track);
    while (!track->frames.empty() &&
           track->oldest_open.distance_from(track->source.fragmenter.next_seq()) < 0 &&
           !track->arrived.find(track->oldest_open).empty()) {
      ++track->oldest_open;
    }
    receiver_->link().set_report(track->id, track->oldest_open, delay, delay);
  }
}

void RecoveryCell::judge(Instant now, Track& track) {
  while (!track.frames.empty() && track.frames.front().deadline < now) {
    const Frame& frame = track.frames.front();
    const bool missed = frame.whole_at > frame.deadline;
    if (frame.counted && &track == &audio_) {
      ++figures_.audio_frames;
      figures_.audio_frames_missed += missed ? 1U : 0U;
    } else if (frame.counted) {
      ++figures_.frames;
      figures_.frames_missed += missed ? 1U : 0U;
      figures_.key_frames += frame.key ? 1U : 0U;
      figures_.key_frames_missed += frame.key && missed ? 1U : 0U;
    }
    const Seq behind = frame.first + frame.count;
    if (behind.newer_than(track.oldest_open)) track.oldest_open = behind;
    track.frames.pop_front();
  }
}

}  // namespace sluice::sim
