#include "proto/link/ingress.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::link {

void Ingress::open_track(TrackId track, const PacketRing* ring) {
  CHECK(ring != nullptr);
  close_track(track);
  const auto id = static_cast<std::size_t>(track);
  if (id >= tracks_.size()) tracks_.resize(id + 1);
  tracks_[id].ring = ring;
}

void Ingress::close_track(TrackId track) {
  const auto id = static_cast<std::size_t>(track);
  if (id >= tracks_.size()) return;
  if (tracks_[id].solver != nullptr) {
    implausible_before_ += tracks_[id].solver->counts().implausible;
    std::erase(solving_, track);
  }
  tracks_[id] = {};
}

void Ingress::on_part(TrackId track, Seq seq) {
  if (solving_.empty()) return;
  if (fec::RepairSolver* solver = solver_of(track)) solver->on_part(seq);
}

Status<> Ingress::on_repair(const wire::RepairView& view) {
  const auto id = static_cast<std::size_t>(view.track);
  if (id >= tracks_.size() || tracks_[id].ring == nullptr) {
    return Unexpected{DropReason::kUnknownTrack};
  }
  Track& track = tracks_[id];
  if (track.solver == nullptr) {
    if (solving_.size() == kSolversMax) return Unexpected{DropReason::kQueueFull};
    track.solver = std::make_unique<fec::RepairSolver>(view.track, *track.ring);
    solving_.push_back(view.track);
  }
  return track.solver->on_repair(
      {.window = {view.first, view.span, view.bitmap}, .seed = view.seed, .coded = view.coded});
}

std::optional<Ingress::Revived> Ingress::poll_revived() {
  for (const TrackId track : solving_) {
    if (auto part = solver_of(track)->poll_revived()) return Revived{track, *part};
  }
  return std::nullopt;
}

void Ingress::forget_before(TrackId track, Seq seq) {
  if (fec::RepairSolver* solver = solver_of(track)) solver->forget_before(seq);
}

std::uint8_t Ingress::open_equations(TrackId track) const {
  const fec::RepairSolver* solver = solver_of(track);
  return solver == nullptr ? std::uint8_t{0} : static_cast<std::uint8_t>(solver->open_equations());
}

std::uint64_t Ingress::implausible() const {
  std::uint64_t sum = implausible_before_;
  for (const TrackId track : solving_) sum += solver_of(track)->counts().implausible;
  return sum;
}

fec::RepairSolver* Ingress::solver_of(TrackId track) const {
  const auto id = static_cast<std::size_t>(track);
  return id < tracks_.size() ? tracks_[id].solver.get() : nullptr;
}

}  // namespace sluice::link
