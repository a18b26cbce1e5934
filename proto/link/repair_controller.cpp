#include "proto/link/repair_controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "proto/link/repair_odds.h"

namespace sluice::link {

namespace {

/// Odds of a miss that are accepted of a frame that comes to its last round open, by MissClass
/// (P-REPAIR-03). What is realised is a quarter of it and less, as whole repairs are added. Key
/// frames are worth more, as everything else hangs on them; on the top layer nothing depends.
constexpr std::array<double, kMissClasses> kTargets{0.0025, 0.0002, 0.02};

/// And of all frames. Where few come so far, as after losses in bursts, each may be given up with
/// greater odds, up to kRelaxedMost times the target: at 10 % in bursts of five this saves a third
/// of all coded bytes.
constexpr std::array<double, kMissClasses> kTargetsOfAll{0.001, 0.0003, 0.01};
constexpr double kRelaxedMost = 20;

/// Weight of the newest frame in the share that comes to the last round open.
constexpr double kShareWeight = 1.0 / 100;

/// Coded repairs for each part sent, at the most: with less the cells of 30 % loss and of one round
/// miss; with much more a path that lies about its losses doubles what we send.
constexpr double kRepairsPerPart = 0.8;

/// What is precious may overdraw that by this much.
constexpr double kPreciousOverdraft = 256;

/// Largest window that names its parts one by one.
constexpr std::size_t kBitmapSpanMax = kRepairBitmapBytesMax * 8;

/// Of one window at once, whatever the odds say.
constexpr std::uint16_t kRepairsAtOnceMax = 128;

/// What is known of the last packets of a frame comes this long after its deadline at the latest.
constexpr Duration kVerdictGrace = std::chrono::milliseconds{100};

}  // namespace

void RepairController::open(TrackId track, std::uint8_t generation, bool audio) {
  *this = RepairController{};
  track_ = track;
  generation_ = generation;
  audio_ = audio;
}

// What was sent.

void RepairController::on_sent(Seq seq, Bytes ring_part, Instant deadline) {
  const SourceParts::Added added = parts_.add(seq, ring_part, deadline, audio_);
  if (added.began) {
    const auto of = static_cast<std::size_t>(added.frame->miss_class);
    ++misses_[of].frames;
    late_share_[of] *= 1.0 - kShareWeight;
  }
  repairs_allowed_ = std::min(repairs_allowed_ + kRepairsPerPart, kRepairsSavedMax);
}

void RepairController::on_sent_again(Seq seq) {
  SourcePart* part = parts_.find(seq);
  if (part == nullptr) return;
  part->queued = false;
  if (part->copies < UINT8_MAX) ++part->copies;
}

void RepairController::on_repair_sent(std::uint32_t equation) {
  if (Equation* sent = find(equation)) sent->state = Equation::State::kInFlight;
}

// What became of it.

void RepairController::on_acknowledged(Seq seq) {
  SourcePart* part = parts_.find(seq);
  if (part == nullptr) return;
  if (part->copies > 0) --part->copies;
  parts_.settle(*part);
}

void RepairController::on_repair_settled(std::uint32_t equation, bool arrived) {
  Equation* settled = find(equation);
  if (settled == nullptr) return;
  settled->state = arrived ? Equation::State::kArrived : Equation::State::kGone;
}

RepairController::Loss RepairController::on_lost(const PathView& path, Seq seq) {
  SourcePart* part = parts_.find(seq);
  if (part == nullptr) return Loss::kForgotten;
  if (part->copies > 0) --part->copies;
  if (part->settled || part->queued || part->copies > 0) return Loss::kNeedless;
  const SourceFrame* frame = parts_.frame_of(seq);
  if (frame == nullptr) return Loss::kForgotten;
  if (covered(path, *frame)) return Loss::kNeedless;
  if (path.now + path.guard > frame->deadline) return Loss::kTooLate;
  part->queued = true;
  return Loss::kAgain;
}

void RepairController::on_report(const PathView& path, Seq oldest_open) {
  for (std::size_t i = 0; i < parts_.frames(); ++i) {
    SourceFrame& frame = parts_.frame(i);
    if (!oldest_open.newer_than(frame.first)) return;
    // Past its time the receiver goes on without it: that is not the word that it has it.
    if (frame.open == 0 || path.now - path.min_rtt > frame.deadline) continue;
    for (Seq seq = frame.first; seq.distance_from(oldest_open) < 0 && !seq.newer_than(frame.last());
         ++seq) {
      SourcePart* part = parts_.find(seq);
      if (part == nullptr || part->settled) continue;
      parts_.settle(*part);
      // It came back by an equation, which can say nothing more.
      for (std::size_t e = 0; e < equations_.size(); ++e) {
        Equation& equation = equations_[e];
        if (equation.state != Equation::State::kArrived || equation.first.newer_than(seq) ||
            seq.newer_than(equation.last)) {
          continue;
        }
        equation.state = Equation::State::kGone;
        break;
      }
    }
  }
}

void RepairController::on_dropped(Seq seq) {
  if (SourcePart* part = parts_.find(seq)) part->queued = false;
}

bool RepairController::settled(Seq seq) {
  const SourcePart* part = parts_.find(seq);
  return part != nullptr && part->settled;
}

/// The equations that arrived, and those in flight less their losses, already make up for all that
/// is known to be missing up to this frame.
bool RepairController::covered(const PathView& path, const SourceFrame& frame) {
  if (equations_.empty()) return false;
  std::size_t frames = 0;
  while (frames < parts_.frames() && !parts_.frame(frames).first.newer_than(frame.first)) ++frames;
  collect_open(frames, path.now);
  if (open_.empty()) return false;
  const Window window{.from = 0, .count = open_.size()};
  std::size_t missing = 0;
  for (const Seq seq : open_) {
    const SourcePart* part = parts_.find(seq);
    missing += part->copies == 0 && !part->queued ? 1U : 0U;
  }
  double help = 0;
  for (std::size_t e = 0; e < equations_.size(); ++e) {
    const Equation& equation = equations_[e];
    if (!covers(equation, window)) continue;
    help += equation.state == Equation::State::kArrived ? 1.0 : 1.0 - path.loss;
  }
  return static_cast<double>(missing) <= help;
}

// The last round.

Instant RepairController::next_guard(const PathView& path) const {
  if (path.loss <= 0 || audio_) return kNever;
  for (std::size_t i = 0; i < parts_.frames(); ++i) {
    const SourceFrame& frame = parts_.frame(i);
    if (!frame.guarded && frame.open > 0) return frame.deadline - path.guard;
  }
  return kNever;
}

void RepairController::guard(const PathView& path, RecoveryQueues queues) {
  for (std::size_t i = 0; i < parts_.frames(); ++i) {
    SourceFrame& frame = parts_.frame(i);
    if (frame.guarded || frame.open == 0) continue;
    if (frame.deadline - path.guard > path.now) return;
    frame.guarded = true;
    if (frame.deadline < path.now) continue;
    late_share_[static_cast<std::size_t>(frame.miss_class)] += kShareWeight;
    collect_open(i + 1, path.now);
    std::size_t windows = 0;
    for (std::size_t at = 0; at < open_.size(); at = window_end(at)) ++windows;
    for (std::size_t at = 0; at < open_.size();) {
      const std::size_t end = window_end(at);
      const Window window{.deadline = frame.deadline,
                          .target = target_of(frame.miss_class) / static_cast<double>(windows),
                          .miss_class = frame.miss_class,
                          .from = at,
                          .count = end - at};
      make_safe(path, window, queues);
      at = end;
    }
  }
}

double RepairController::target_of(MissClass miss_class) const {
  const auto of = static_cast<std::size_t>(miss_class);
  return std::clamp(kTargetsOfAll[of] / late_share_[of], kTargets[of], kTargets[of] * kRelaxedMost);
}

void RepairController::make_safe(const PathView& path, const Window& window,
                                 RecoveryQueues queues) {
  OpenWindow odds{.loss = path.loss, .mean_burst = path.burst};
  for (std::size_t e = 0; e < equations_.size(); ++e) {
    if (!covers(equations_[e], window)) continue;
    const bool arrived = equations_[e].state == Equation::State::kArrived;
    ++(arrived ? odds.equations_in_hand : odds.equations_in_flight);
  }
  for (std::size_t i = window.from; i < window.from + window.count; ++i) {
    const SourcePart* part = parts_.find(open_[i]);
    const std::size_t copies = part->copies + (part->queued ? 1U : 0U);
    ++odds.parts_by_copies[std::min(copies, kCopiesCountedMax)];
  }
  // Any arrival makes up for any part: lost ones go as themselves, which the receiver need not
  // solve.
  std::size_t wanted = repairs_needed(odds, window.target, kRepairsAtOnceMax);
  for (std::size_t i = window.from; i < window.from + window.count && wanted > 0; ++i) {
    const SourcePart* part = parts_.find(open_[i]);
    if (part->copies > 0 || part->queued) continue;
    if (!send_again(open_[i], window.deadline, queues)) return;
    --wanted;
  }
  while (wanted > 0 && add_repair(window, queues)) --wanted;
}

bool RepairController::send_again(Seq seq, Instant deadline, RecoveryQueues queues) {
  if (!queues.lost.push({track_, seq, deadline})) return false;
  parts_.find(seq)->queued = true;
  return true;
}

bool RepairController::add_repair(const Window& window, RecoveryQueues queues) {
  const bool precious = window.miss_class == MissClass::kPrecious;
  if (repairs_allowed_ < (precious ? -kPreciousOverdraft : 1.0)) return false;
  const Seq first = open_[window.from];
  const Seq last = open_[window.from + window.count - 1];
  PendingRepair repair{.track = track_, .generation = generation_, .first = first};
  repair.equation = first_equation_ + static_cast<std::uint32_t>(equations_.size());
  repair.seed = next_seed_;
  repair.span = static_cast<std::uint16_t>(last.distance_from(first) + 1);
  repair.deadline = window.deadline;
  if (window.count < repair.span && repair.span <= kBitmapSpanMax) {
    repair.bitmap_bytes = static_cast<std::uint8_t>((repair.span + 7U) / 8U);
    for (std::size_t i = window.from; i < window.from + window.count; ++i) {
      const auto bit = static_cast<std::size_t>(open_[i].distance_from(first));
      repair.bitmap[bit / 8] |= static_cast<std::byte>(1U << bit % 8);
    }
  }
  if (equations_.full()) {  // the oldest is past, or near it; the number follows from both ends
    equations_.pop_front();
    ++first_equation_;
  }
  if (!queues.repairs.push_back(repair)) return false;
  static_cast<void>(equations_.push_back({first, last, Equation::State::kWaits}));
  ++next_seed_;
  repairs_allowed_ -= 1.0;
  return true;
}

/// The parts that are open of the first `frames` frames and still of use, in order.
void RepairController::collect_open(std::size_t frames, Instant now) {
  open_.clear();
  for (std::size_t i = 0; i < frames; ++i) {
    const SourceFrame& frame = parts_.frame(i);
    if (frame.open == 0 || frame.deadline < now) continue;
    for (Seq seq = frame.first; !seq.newer_than(frame.last()); ++seq) {
      const SourcePart* part = parts_.find(seq);
      if (part != nullptr && !part->settled) open_.push_back(seq);
    }
  }
}

/// Where the window that begins at open_[from] ends: as far as one repair reaches. A long one names
/// all parts of its span, so each of them must have been sent.
std::size_t RepairController::window_end(std::size_t from) const {
  std::size_t end = from + 1;
  std::size_t safe_end = end;
  while (end < open_.size()) {
    const auto span = static_cast<std::size_t>(open_[end].distance_from(open_[from])) + 1;
    if (span > kRepairSpanMax) break;
    ++end;
    if (span <= kBitmapSpanMax) safe_end = end;
  }
  if (end == safe_end) return end;
  for (Seq seq = open_[from]; seq.distance_from(open_[end - 1]) < 0; ++seq) {
    if (parts_.find(seq) == nullptr) return safe_end;
  }
  return end;
}

/// An arrival of this equation makes up for a part of the window: it is, or will be, there, it
/// names no open part outside and one at least inside.
bool RepairController::covers(const Equation& equation, const Window& window) const {
  if (equation.state == Equation::State::kGone) return false;
  const Seq last = open_[window.from + window.count - 1];
  if (equation.last.newer_than(last)) return false;
  if (window.from > 0 && open_[window.from].newer_than(equation.first)) return false;
  for (std::size_t i = window.from; i < window.from + window.count; ++i) {
    if (equation.first.newer_than(open_[i])) continue;
    return !open_[i].newer_than(equation.last);
  }
  return false;
}

void RepairController::drop_past(const PathView& path) {
  const Duration grace = path.rtt + path.rtt / 2 + kVerdictGrace;
  while (parts_.frames() > 0) {
    const SourceFrame& frame = parts_.frame(0);
    if (!frame.settled() && path.now - grace <= frame.deadline) break;
    if (frame.open > 0) {
      std::size_t arrived = 0;
      for (std::size_t e = 0; e < equations_.size(); ++e) {
        const Equation& equation = equations_[e];
        arrived += equation.state == Equation::State::kArrived &&
                           !equation.last.newer_than(frame.last()) &&
                           !frame.first.newer_than(equation.last)
                       ? 1U
                       : 0U;
      }
      const auto of = static_cast<std::size_t>(frame.miss_class);
      misses_[of].missed += arrived < frame.open ? 1U : 0U;
    }
    parts_.pop_frame();
  }
  forget_equations();
}

/// Equations of frames that are gone.
void RepairController::forget_equations() {
  while (!equations_.empty()) {
    const bool past =
        parts_.frames() == 0 || parts_.frame(0).first.newer_than(equations_.front().last);
    if (!past) return;
    equations_.pop_front();
    ++first_equation_;
  }
}

RepairController::Equation* RepairController::find(std::uint32_t equation) {
  const std::uint32_t index = equation - first_equation_;
  return index < equations_.size() ? &equations_[index] : nullptr;
}

}  // namespace sluice::link
