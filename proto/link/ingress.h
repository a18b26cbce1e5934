// Ingress: the tracks that come, as far as the link must know them to solve repairs (P-REPAIR-04):
// for each the ring in which its owner keeps the parts that arrived, and, once a repair came, the
// solver. What a repair claims is the solver's to doubt; here is the bound on how many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/fec/repair_solver.h"
#include "proto/wire/frame.h"

namespace sluice::link {

/// Tracks of one link that repairs are solved of: a solver takes 220 KB when all its equations
/// wait.
inline constexpr std::size_t kSolversMax = 16;

/// Repairs of one link that contradicted its media before it is closed: none of an honest peer
/// does.
inline constexpr std::uint64_t kImplausibleRepairsMax = 16;

class Ingress {
 public:
  struct Revived {
    TrackId track{};
    fec::RevivedPart part;
  };

  void open_track(TrackId track, const PacketRing* ring);
  void close_track(TrackId track);

  /// Tells the track's solver; its ring may hold the part now or later.
  void on_part(TrackId track, Seq seq);

  /// kUnknownTrack, kQueueFull (of kSolversMax tracks already), and what the solver says.
  Status<> on_repair(const wire::RepairView& view);

  /// A repair has come since the tracks were opened.
  bool solving() const { return !solving_.empty(); }

  std::optional<Revived> poll_revived();

  /// Nobody waits for parts of the track before `seq`.
  void forget_before(TrackId track, Seq seq);

  std::uint8_t open_equations(TrackId track) const;

  /// Repairs that contradicted the media.
  std::uint64_t implausible() const;

 private:
  struct Track {
    const PacketRing* ring = nullptr;  // null: not open
    std::unique_ptr<fec::RepairSolver> solver;
  };

  fec::RepairSolver* solver_of(TrackId track) const;

  std::vector<Track> tracks_;  // by id
  std::vector<TrackId> solving_;
  std::uint64_t implausible_before_ = 0;  // of tracks closed since
};

}  // namespace sluice::link
