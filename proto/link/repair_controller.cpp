#include "proto/link/repair_controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "proto/link/repair_odds.h"

namespace sluice::link {

namespace {

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
    ++misses_[static_cast<std::size_t>(added.frame->miss_class)].frames;
    price_.on_frame(added.frame->miss_class);
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
  if (covered(path, seq)) return Loss::kNeedless;
  if (path.now + path.guard > frame->deadline) return Loss::kTooLate;
  part->queued = true;
  return Loss::kAgain;
}

void RepairController::on_report(const PathView& path, Seq oldest_open) {
  for (std::size_t i = 0; i < parts_.frames(); ++i) {
    SourceFrame& frame = parts_.frame(i);
    if (!oldest_open.newer_than(frame.first)) return;
    // From its time on the receiver goes on without it: that is not the word that it has it.
    if (frame.open == 0 || path.now - path.min_rtt >= frame.deadline) continue;
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

/// The equations over this part that arrived, and those in flight less their losses, already make
/// up for all that is known to be missing where they reach.
bool RepairController::covered(const PathView& path, Seq seq) {
  double help = 0;
  Seq first = seq;
  Seq last = seq;
  for (std::size_t e = 0; e < equations_.size(); ++e) {
    const Equation& equation = equations_[e];
    if (equation.state == Equation::State::kGone || equation.first.newer_than(seq) ||
        seq.newer_than(equation.last)) {
      continue;
    }
    help += equation.state == Equation::State::kArrived ? 1.0 : 1.0 - path.loss;
    if (first.newer_than(equation.first)) first = equation.first;
    if (equation.last.newer_than(last)) last = equation.last;
  }
  std::size_t missing = 0;
  for (Seq each = first; help > 0 && !each.newer_than(last); ++each) {
    const SourcePart* part = parts_.find(each);
    const bool open = part != nullptr && !part->settled;
    missing += open && part->copies == 0 && !part->queued ? 1U : 0U;
  }
  return help > 0 && static_cast<double>(missing) <= help;
}

// The last round.

Instant RepairController::next_guard(const PathView& path) const {
  if (path.loss <= 0) return kNever;
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
    collect_open(frame);
    double miss = 0;
    for (std::size_t at = 0; at < open_.size();) {
      const std::size_t end = window_end(at);
      miss += make_safe(path,
                        {.deadline = frame.deadline,
                         .miss_class = frame.miss_class,
                         .from = at,
                         .count = end - at},
                        queues);
      at = end;
    }
    price_.promise(frame.miss_class, std::min(miss, 1.0));
  }
}

/// The odds that it fails all the same. No equation is over parts of a frame before this: it comes
/// once for each, and a repair names parts of one frame.
double RepairController::make_safe(const PathView& path, const Window& window,
                                   RecoveryQueues queues) {
  OpenWindow odds{.loss = path.loss, .mean_burst = path.burst};
  for (std::size_t i = window.from; i < window.from + window.count; ++i) {
    const SourcePart* part = parts_.find(open_[i]);
    const std::size_t copies = part->copies + (part->queued ? 1U : 0U);
    ++odds.parts_by_copies[std::min(copies, kCopiesCountedMax)];
  }
  // Any arrival makes up for any part: lost ones go as themselves, which the receiver need not
  // solve.
  const RepairChoice choice = repairs_worth(odds, price_.of(window.miss_class), kRepairsAtOnceMax);
  std::size_t wanted = choice.repairs;
  for (std::size_t i = window.from; i < window.from + window.count && wanted > 0; ++i) {
    const SourcePart* part = parts_.find(open_[i]);
    if (part->copies > 0 || part->queued) continue;
    if (!send_again(open_[i], window.deadline, queues)) return 1;
    --wanted;
  }
  while (wanted > 0 && add_repair(window, queues)) --wanted;
  return choice.miss;
}

bool RepairController::send_again(Seq seq, Instant deadline, RecoveryQueues queues) {
  if (queues.retransmits_allowed == 0) return false;
  if (!queues.lost.push({track_, seq, deadline})) return false;
  --queues.retransmits_allowed;
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

/// The parts of the frame that are open, in order.
void RepairController::collect_open(const SourceFrame& frame) {
  open_.clear();
  for (Seq seq = frame.first; !seq.newer_than(frame.last()); ++seq) {
    const SourcePart* part = parts_.find(seq);
    if (part != nullptr && !part->settled) open_.push_back(seq);
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
      if (arrived < frame.open) {
        ++misses_[of].missed;
        price_.on_missed(frame.miss_class);
      }
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
