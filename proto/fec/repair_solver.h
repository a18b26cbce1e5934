// RepairSolver: what the receiving end of a track makes of repairs. Each repair is an equation over
// the parts it names; known parts are taken out of it, the missing ones are its unknowns. The
// equations are kept in reduced row echelon form, ordered by part number, so a missing part is
// handed out as soon as the equations determine it, and the equations of a past window can be
// dropped without losing what the others say (P-REPAIR-02).
//
// A link owns one for each ingress track, tells it of every part that arrives, and reads known
// parts from the ring that its owner fills. Memory is taken at the first repairs (220 KB when
// kEquationsMax wait) and never per packet.
//
// Cost: a repair takes at most kRepairSpanMax + 2 * kEquationsMax walks of mul_add over at most
// kCodedBytesMax + kUnknownsMax bytes, 22 us; on_part() and each arrival that poll_revived() finds
// at most 2 * kEquationsMax. Whatever a repair claims, it costs no more; one that says nothing new
// costs no walk over coded bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/fec/coded_symbol.h"
#include "proto/fec/unknowns.h"

namespace sluice::fec {

/// A part that was missing, in ring form; valid until the solver's next call.
struct RevivedPart {
  Seq seq{};
  Bytes part{};
};

/// Since the solver was made.
struct SolverCounts {
  std::uint64_t revived = 0;
  /// Equations dropped unsolved: their window passed, or newer ones needed the room.
  std::uint64_t forgotten = 0;
  /// Repairs refused with kRepairImplausible, and times that equations contradicted a part or each
  /// other, or determined what is no part: then all equations are dropped, for which one lied
  /// cannot be told.
  std::uint64_t implausible = 0;
};

class RepairSolver {
 public:
  /// `parts` is the ring of the track's known parts and outlives the solver.
  RepairSolver(TrackId track, const PacketRing& parts) : track_(track), parts_(&parts) {}

  /// The part arrived (or was revived and taken). The ring may hold it now or later: if later, the
  /// next poll_revived() sees it.
  void on_part(Seq seq);

  /// Errors: kMalformed (window or length impossible), kRepairStale, kRepairImplausible,
  /// kRepairUnneeded (all its parts known, or it follows from the equations in hand).
  Status<> on_repair(const Repair& repair);

  /// A part that the equations determine and the ring still lacks; in no order.
  std::optional<RevivedPart> poll_revived();

  /// Parts before `seq` are of no use any more.
  void forget_before(Seq seq);

  /// Equations in hand that determine no part yet: what FEEDBACK reports (P-FEEDBACK-03).
  std::size_t open_equations() const { return active_ - solved_; }

  const SolverCounts& counts() const { return counts_; }

 private:
  using Row = std::size_t;

  struct Equation {
    std::uint16_t bytes = 0;  // of its symbol; zeros behind
    Column pivot = 0;         // its oldest unknown, with factor 1, and in no other equation
    bool active = false;
    bool solved = false;  // the pivot is its only unknown
  };

  struct Survey {
    std::size_t unknown = 0;
    std::size_t without_column = 0;
    bool plausible = true;
  };

  Status<> check_place(const RepairWindow& window);
  Survey survey(const Repair& repair) const;
  void make_room(const Survey& survey, Seq first);
  Row take_row();
  void write_coefficients(Row row, const Repair& repair);
  bool reduce(Row row, const Repair& repair);
  void install(Row row);

  void resolve(Column column, Bytes part);
  void resolve_arrived();
  void repivot(Row row);
  void refresh_solved(Row row);

  void drop_before(Seq seq);
  void drop_oldest();
  void release(Row row);
  void close_unused_columns();
  void keep_in_reach();
  void clear();
  void fail();

  std::optional<Column> oldest_unknown(Row row) const;
  MutableBytes coefficients(Row row);
  Bytes coefficients(Row row) const;
  MutableBytes symbol(Row row);

  TrackId track_;
  const PacketRing* parts_;
  std::optional<Seq> newest_;    // part of the track that is known of
  bool newest_arrived_ = false;  // else a repair's word is all there is
  std::optional<Seq> floor_;     // what forget_before() said
  Unknowns unknowns_;
  std::vector<Equation> equations_;
  std::vector<std::byte> rows_;
  std::size_t active_ = 0;
  std::size_t solved_ = 0;
  SolverCounts counts_;
};

}  // namespace sluice::fec
