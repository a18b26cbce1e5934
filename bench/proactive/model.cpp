#include "bench/proactive/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <queue>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/packet_ring.h"
#include "proto/fec/encoder.h"
#include "proto/fec/repair_solver.h"
#include "proto/link/repair_odds.h"
#include "sim/xoshiro.h"

namespace sluice::bench {

namespace {

using Micros = std::int64_t;
constexpr Micros kNever = -1;

// The feed: 2 Mbit/s, 30 frames/s, a key frame of 8 times the size every 2 s.
constexpr Micros kFrameTime = 33'333;
constexpr int kFramesPerGop = 60;
constexpr std::uint32_t kPartsOfFrame = 7;
constexpr std::uint32_t kPartsOfKeyFrame = 51;
constexpr double kPartsPerSecond = 30.0 * (59 * kPartsOfFrame + kPartsOfKeyFrame) / 60;

constexpr Micros kPacing = 450;  // a part, at 10 times the feed's rate
constexpr Micros kFeedbackEvery = 10'000;
constexpr Micros kDetection = 12'000;
constexpr Micros kGuard = 5'000;
constexpr Micros kOverdue = 6'000;  // after which a packet that feedback does not show is lost
constexpr std::size_t kProactiveParts = 48;
constexpr int kBordersTried = 5;
constexpr double kTarget = 0.0025;
constexpr double kKeyTarget = 0.0002;

struct Packet {
  enum class State : std::uint8_t { kInFlight, kAcknowledged, kLost };
  std::int64_t part = -1;  // else a repair
  std::int64_t first = 0;  // of a repair's window
  std::int64_t last = 0;
  std::vector<std::byte> coded{};
  Micros sent = 0;
  Micros arrived = kNever;
  State state = State::kInFlight;
};

struct Part {
  std::int64_t frame = 0;
  std::uint16_t copies = 0;  // in flight
  bool acknowledged = false;
};

struct Frame {
  std::int64_t first = 0;
  std::int64_t last = 0;
  Micros captured = 0;
  std::uint32_t here = 0;  // parts at the receiver in time
  bool key = false;
};

enum class What : std::uint8_t { kCapture, kArrival, kMakeFeedback, kFeedback, kLastRound };

struct Event {
  Micros at;
  std::int64_t order;
  What what;
  std::int64_t subject;  // frame, packet, or the feedback's time of making

  bool operator<(const Event& other) const {
    return at != other.at ? at > other.at : order > other.order;
  }
};

class Leg {
 public:
  explicit Leg(const ProactiveCell& cell)
      : cell_(cell),
        random_(cell.seed),
        owd_(cell.rtt_ms * 500),
        budget_(cell.budget_ms * 1000),
        guarded_(cell.rounds() > 0) {}

  ProactiveResult go() {
    const Micros end = Micros{cell_.seconds} * 1'000'000;
    schedule(0, What::kCapture, 0);
    schedule(kFeedbackEvery, What::kMakeFeedback, 0);
    while (events_.top().at < end) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
    }
    return result(end);
  }

 private:
  void schedule(Micros at, What what, std::int64_t subject) {
    events_.push({at, order_++, what, subject});
  }

  void handle(const Event& event) {
    switch (event.what) {
      case What::kCapture:
        return capture();
      case What::kArrival:
        return arrive(packets_[static_cast<std::size_t>(event.subject)]);
      case What::kMakeFeedback:
        schedule(now_ + kFeedbackEvery, What::kMakeFeedback, 0);
        if (!random_.chance(cell_.loss)) schedule(now_ + owd_, What::kFeedback, now_);
        return;
      case What::kFeedback:
        return learn(event.subject);
      case What::kLastRound:
        return guard(frames_[static_cast<std::size_t>(event.subject)]);
    }
  }

  // The sender.

  void capture() {
    const auto index = static_cast<std::int64_t>(frames_.size());
    Frame frame;
    frame.key = index % kFramesPerGop == 0;
    frame.first = static_cast<std::int64_t>(parts_.size());
    frame.last = frame.first + (frame.key ? kPartsOfKeyFrame : kPartsOfFrame) - 1;
    frame.captured = now_;
    frames_.push_back(frame);
    for (std::int64_t part = frame.first; part <= frame.last; ++part) {
      parts_.push_back({index, 0, false});
      store(sent_ring_, part);
      send_part(part, false);
      credit_ += cell_.rate;
      for (; credit_ >= 1; credit_ -= 1) send_proactive();
    }
    // Early enough for what it will send: repairs for a third of the parts at most.
    const Micros ahead = (frame.last - frame.first + 1) * kPacing / 3;
    if (guarded_) schedule(send_by(frame) - ahead, What::kLastRound, index);
    schedule(now_ + kFrameTime, What::kCapture, 0);
  }

  /// A part that says which it is, in two bytes: what it costs is counted in packets.
  static void store(PacketRing& ring, std::int64_t part) {
    std::array<std::byte, kMediaHeaderBytes + 2> bytes{};
    bytes[0] = std::byte{0x80};
    store_be<3>(&bytes[2], static_cast<std::uint64_t>(part) % Seq::kModulus);
    store_be<3>(&bytes[5], 1);  // index 0 of 1
    store_be<2>(&bytes[kMediaHeaderBytes], static_cast<std::uint64_t>(part) & 0xFFFFU);
    ring.insert(seq(part), bytes, seq(part) - 1000);
  }

  static Seq seq(std::int64_t part) { return Seq{static_cast<std::uint32_t>(part)}; }

  Micros send_by(const Frame& frame) const { return frame.captured + budget_ - kGuard; }

  bool can_arrive(std::int64_t part) const {
    return send_by(frame_of(part)) >= std::max(now_, next_urgent_);
  }

  const Frame& frame_of(std::int64_t part) const {
    return frames_[static_cast<std::size_t>(parts_[static_cast<std::size_t>(part)].frame)];
  }

  void send_part(std::int64_t part, bool urgent) {
    ++parts_[static_cast<std::size_t>(part)].copies;
    Packet packet;
    packet.part = part;
    send(std::move(packet), urgent);
  }

  void send_repair(std::int64_t first, std::int64_t last, bool urgent) {
    std::array<std::byte, kCodedBytesMax> buffer{};
    Packet packet;
    packet.first = std::max(first, last - static_cast<std::int64_t>(kRepairSpanMax) + 1);
    packet.last = last;
    const auto coded =
        fec::encode_repair(sent_ring_, window(packet), seed_of(packets_.size()), buffer);
    CHECK(coded.has_value());
    packet.coded.assign(coded.value().begin(), coded.value().end());
    send(std::move(packet), urgent);
  }

  static std::uint16_t seed_of(std::size_t number) {
    return static_cast<std::uint16_t>(number & 0xFFFFU);
  }

  static fec::RepairWindow window(const Packet& packet) {
    return {seq(packet.first), static_cast<std::uint16_t>(packet.last - packet.first + 1), {}};
  }

  void send(Packet packet, bool urgent) {
    // What has a deadline near goes before new frames, as the pacer sorts by send-by.
    next_send_ = std::max(now_, next_send_) + kPacing;
    packet.sent = next_send_;
    if (urgent) packet.sent = next_urgent_ = std::max(now_, next_urgent_) + kPacing;
    const auto number = static_cast<std::int64_t>(packets_.size());
    if (!random_.chance(cell_.loss)) schedule(packet.sent + owd_, What::kArrival, number);
    packets_.push_back(std::move(packet));
  }

  void send_proactive() {
    std::size_t open = 0;
    std::int64_t first = -1;
    for (auto part = static_cast<std::int64_t>(parts_.size());
         part-- > 0 && open < kProactiveParts;) {
      if (send_by(frame_of(part)) < now_) break;
      if (parts_[static_cast<std::size_t>(part)].acknowledged) continue;
      first = part;
      ++open;
    }
    if (first >= 0) send_repair(first, static_cast<std::int64_t>(parts_.size()) - 1, false);
  }

  /// Feedback that was made at `made`: what had arrived by then.
  void learn(Micros made) {
    std::size_t highest = settled_;
    for (std::size_t n = packets_.size(); n-- > settled_;) {
      if (packets_[n].arrived == kNever || packets_[n].arrived > made) continue;
      highest = n;
      break;
    }
    std::vector<std::int64_t> lost;
    for (std::size_t n = settled_; n < packets_.size(); ++n) {
      Packet& packet = packets_[n];
      if (packet.state != Packet::State::kInFlight) continue;
      if (packet.arrived != kNever && packet.arrived <= made) {
        settle(packet, Packet::State::kAcknowledged);
      } else if (n + 3 <= highest || packet.sent + owd_ + kOverdue <= made) {
        settle(packet, Packet::State::kLost);
        if (packet.part >= 0) lost.push_back(packet.part);
      }
    }
    while (settled_ < packets_.size() && packets_[settled_].state != Packet::State::kInFlight)
      ++settled_;
    for (const std::int64_t part : lost) retransmit(part);
  }

  void settle(Packet& packet, Packet::State state) {
    packet.state = state;
    if (packet.part < 0) return;
    Part& part = parts_[static_cast<std::size_t>(packet.part)];
    --part.copies;
    if (state == Packet::State::kAcknowledged) part.acknowledged = true;
  }

  void retransmit(std::int64_t number) {
    const Part& part = parts_[static_cast<std::size_t>(number)];
    if (part.acknowledged || part.copies > 0 || !can_arrive(number)) return;
    const Frame& frame = frame_of(number);
    const link::OpenWindow open = look(frame, frame);
    double missing = 0;
    for (std::size_t copies = 0; copies < open.parts_by_copies.size(); ++copies)
      missing += open.parts_by_copies[copies] * std::pow(cell_.loss, copies);
    if (open.equations_in_hand + (1 - cell_.loss) * open.equations_in_flight >= missing) return;
    send_part(number, true);
  }

  /// The open parts from `from` to `to`, and the equations over all of those and no other open
  /// ones. One that was sent before the last part, and so leaves it out, must not count: it cannot
  /// stand in for that part, and windows taken for safe on its word were missed ten times as often.
  link::OpenWindow look(const Frame& from, const Frame& to) const {
    link::OpenWindow open;
    open.loss = cell_.loss;
    open.mean_burst = 1;
    std::int64_t oldest = to.last + 1;
    std::int64_t newest = from.first;
    for (std::int64_t part = from.first; part <= to.last; ++part) {
      const Part& p = parts_[static_cast<std::size_t>(part)];
      if (p.acknowledged) continue;
      ++open.parts_by_copies[std::min<std::size_t>(p.copies, link::kCopiesCountedMax)];
      oldest = std::min(oldest, part);
      newest = part;
    }
    for (std::size_t n = packets_.size(); n-- > 0;) {
      const Packet& packet = packets_[n];
      if (packet.sent < from.captured) break;
      if (packet.part >= 0 || packet.state == Packet::State::kLost) continue;
      if (packet.last > to.last || packet.last < newest || packet.first > oldest ||
          !is_inside(packet, from))
        continue;
      if (packet.state == Packet::State::kAcknowledged) {
        ++open.equations_in_hand;
      } else {
        ++open.equations_in_flight;
      }
    }
    return open;
  }

  bool is_inside(const Packet& packet, const Frame& from) const {
    for (std::int64_t part = packet.first; part < from.first; ++part) {
      if (!parts_[static_cast<std::size_t>(part)].acknowledged) return false;
    }
    return true;
  }

  /// The last round: this frame's window, or a longer one that is safe already.
  void guard(const Frame& frame) {
    const double target = frame.key ? kKeyTarget : kTarget;
    auto border = static_cast<std::size_t>(parts_[static_cast<std::size_t>(frame.first)].frame);
    for (int i = 0; i < kBordersTried && border < frames_.size(); ++i, ++border) {
      if (link::miss_probability(look(frame, frames_[border])) <= target) return;
    }
    int repairs = link::repairs_needed(look(frame, frame), target);
    for (std::int64_t part = frame.first; part <= frame.last && repairs > 0; ++part) {
      const Part& p = parts_[static_cast<std::size_t>(part)];
      if (p.acknowledged || p.copies > 0) continue;
      send_part(part, true);
      --repairs;
    }
    for (; repairs > 0; --repairs) send_repair(frame.first, frame.last, true);
  }

  // The receiver.

  void arrive(Packet& packet) {
    packet.arrived = now_;
    if (packet.part >= 0) {
      take(packet.part);
      solver_.on_part(seq(packet.part));
    } else {
      const auto number = static_cast<std::size_t>(&packet - packets_.data());
      static_cast<void>(solver_.on_repair({window(packet), seed_of(number), packet.coded}));
    }
    while (const auto revived = solver_.poll_revived()) take(from_seq(revived->seq));
  }

  /// Numbers do not wrap in a run.
  static std::int64_t from_seq(Seq seq) { return seq.value(); }

  void take(std::int64_t part) {
    if (!received_ring_.find(seq(part)).empty()) return;
    store(received_ring_, part);
    Frame& frame = frames_[static_cast<std::size_t>(parts_[static_cast<std::size_t>(part)].frame)];
    if (now_ <= frame.captured + owd_ + budget_) ++frame.here;
  }

  /// Frames of the first two seconds, and those whose time has not come, do not count.
  ProactiveResult result(Micros end) const {
    ProactiveResult result;
    for (const Frame& frame : frames_) {
      if (frame.captured < 2'000'000 || frame.captured + owd_ + budget_ > end) continue;
      const bool whole = frame.here == frame.last - frame.first + 1;
      ++result.frames;
      if (!whole) ++result.missed;
      if (!frame.key) continue;
      ++result.key_frames;
      if (!whole) ++result.key_missed;
    }
    result.overhead = static_cast<double>(packets_.size()) / static_cast<double>(parts_.size()) - 1;
    return result;
  }

  const ProactiveCell cell_;
  sim::Xoshiro random_;
  const Micros owd_;
  const Micros budget_;
  const bool guarded_;  // without a round to wait for, guarding each frame alone only adds
  std::priority_queue<Event> events_;
  std::int64_t order_ = 0;
  Micros now_ = 0;
  Micros next_send_ = 0;
  Micros next_urgent_ = 0;
  std::vector<Frame> frames_;
  std::vector<Part> parts_;
  std::vector<Packet> packets_;
  std::size_t settled_ = 0;  // packets before it are not in flight
  double credit_ = 0;
  PacketRing sent_ring_{2048};
  PacketRing received_ring_{2048};
  fec::RepairSolver solver_{TrackId{1}, received_ring_};
};

}  // namespace

int ProactiveCell::rounds() const {
  return static_cast<int>((budget_ms * 1000 - kGuard) / (rtt_ms * 1000 + kDetection));
}

double ProactiveCell::parts_in_budget() const {
  return (budget_ms * 1000 - kGuard) * 1e-6 * kPartsPerSecond;
}

ProactiveResult run(const ProactiveCell& cell) { return Leg{cell}.go(); }

}  // namespace sluice::bench
