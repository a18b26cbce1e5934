#include "proto/fec/repair_solver.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "proto/base/check.h"
#include "proto/fec/coefficients.h"
#include "proto/fec/gf256.h"

namespace sluice::fec {

namespace {

/// One more than may wait: a new equation is worked on before the oldest has to go.
constexpr std::size_t kRowsMax = kEquationsMax + 1;
constexpr std::size_t kRowsFirst = 8;

// A row: the factors of the unknowns, by column, then the symbol with room in front to become a
// ring form.
constexpr std::size_t kSymbolOffset = kUnknownsMax + kSymbolHeadroom;
constexpr std::size_t kRowBytes = kSymbolOffset + kCodedBytesMax;

/// Eight bytes at a time: at -O2 a search by the byte is eight times as slow.
constexpr std::size_t kWordBytes = 8;

std::uint64_t word_at(Bytes bytes, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, std::min(kWordBytes, bytes.size() - at));
  return word;
}

bool all_zero(Bytes bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kWordBytes) {
    if (word_at(bytes, at) != 0) return false;
  }
  return true;
}

}  // namespace

void RepairSolver::on_part(Seq seq) {
  if (!newest_arrived_ || seq.newer_than(*newest_)) {
    newest_ = seq;
    if (!newest_arrived_) keep_in_reach();
    newest_arrived_ = true;
  }
  const Column column = unknowns_.find(seq);
  if (column == Unknowns::kNone) return;
  const Bytes part = parts_->find(seq);
  if (!part.empty()) resolve(column, part);
}

Status<> RepairSolver::on_repair(const Repair& repair) {
  if (!is_well_formed(repair.window) || repair.coded.size() <= kCodedFieldsBytes ||
      repair.coded.size() > kCodedBytesMax)
    return Unexpected{DropReason::kMalformed};
  if (const Status<> place = check_place(repair.window); !place) {
    counts_.implausible += place.error() == DropReason::kRepairImplausible ? 1U : 0U;
    return place;
  }
  const Survey found = survey(repair);
  if (!found.plausible) {
    ++counts_.implausible;
    return Unexpected{DropReason::kRepairImplausible};
  }
  if (found.unknown == 0) return Unexpected{DropReason::kRepairUnneeded};

  make_room(found, repair.window.first);
  const Row row = take_row();
  write_coefficients(row, repair);
  if (!reduce(row, repair)) return Unexpected{DropReason::kRepairUnneeded};
  install(row);
  if (active_ > kEquationsMax) drop_oldest();
  return Done{};
}

/// The window has to lie about where the track is, or its columns could not be told apart.
Status<> RepairSolver::check_place(const RepairWindow& window) {
  constexpr auto kReach = static_cast<std::int32_t>(kRepairReachParts);
  if (!newest_) newest_ = window.last();
  if (window.last().distance_from(*newest_) >= kReach)
    return Unexpected{DropReason::kRepairImplausible};
  if (window.first.distance_from(*newest_) <= -kReach ||
      (floor_ && floor_->newer_than(window.last())))
    return Unexpected{DropReason::kRepairStale};
  drop_before(*newest_ - (kRepairReachParts - 1));
  return Done{};
}

RepairSolver::Survey RepairSolver::survey(const Repair& repair) const {
  Survey found;
  for (std::size_t i = 0; i < repair.window.span; ++i) {
    if (!repair.window.names(i)) continue;
    const Seq seq = repair.window.first + static_cast<std::uint32_t>(i);
    const Bytes part = parts_->find(seq);
    if (part.empty()) {
      ++found.unknown;
      if (unknowns_.find(seq) == Unknowns::kNone) ++found.without_column;
    } else if (symbol_bytes(part) > repair.coded.size()) {
      found.plausible = false;
    }
  }
  return found;
}

/// Older windows give way, all of them at once when that is not enough: this happens after an
/// outage, when they have no hope left.
void RepairSolver::make_room(const Survey& survey, Seq first) {
  if (survey.without_column <= unknowns_.room()) return;
  drop_before(first);
  if (survey.unknown <= unknowns_.room()) return;
  clear();
}

RepairSolver::Row RepairSolver::take_row() {
  Row row = 0;
  while (row < equations_.size() && equations_[row].active) ++row;
  if (row == equations_.size()) {
    const std::size_t rows = std::min(kRowsMax, std::max(kRowsFirst, 2 * equations_.size()));
    CHECK(row < rows);
    equations_.resize(rows);
    rows_.resize(rows * kRowBytes);
  }
  return row;
}

void RepairSolver::write_coefficients(Row row, const Repair& repair) {
  std::memset(rows_.data() + row * kRowBytes, 0, kRowBytes);
  for (std::size_t i = 0; i < repair.window.span; ++i) {
    if (!repair.window.names(i)) continue;
    const Seq seq = repair.window.first + static_cast<std::uint32_t>(i);
    if (!parts_->find(seq).empty()) continue;
    Column column = unknowns_.find(seq);
    if (column == Unknowns::kNone) column = unknowns_.open(seq);
    rows_[row * kRowBytes + column] = std::byte{coefficient(repair.seed, seq)};
  }
}

/// Takes the other equations' pivots, and then the known parts, out of a new one. False when
/// nothing is left of its unknowns, which is known before any coded byte is touched.
bool RepairSolver::reduce(Row row, const Repair& repair) {
  std::array<std::uint8_t, kRowsMax> factors{};
  const MutableBytes mine = coefficients(row);
  for (Row other = 0; other < equations_.size(); ++other) {
    if (!equations_[other].active) continue;
    factors[other] = to_u8(mine[equations_[other].pivot]);
    mul_add(mine, coefficients(other), factors[other]);
  }
  if (all_zero(mine)) return false;

  const MutableBytes sum = symbol(row);
  std::memcpy(sum.data(), repair.coded.data(), repair.coded.size());
  SymbolSum known{sum};
  for (std::size_t i = 0; i < repair.window.span; ++i) {
    if (!repair.window.names(i)) continue;
    const Seq seq = repair.window.first + static_cast<std::uint32_t>(i);
    const Bytes part = parts_->find(seq);
    if (!part.empty()) known.add(part, coefficient(repair.seed, seq));
  }
  known.finish();
  std::size_t bytes = repair.coded.size();
  for (Row other = 0; other < equations_.size(); ++other) {
    if (factors[other] == 0) continue;
    mul_add(sum, symbol(other).first(equations_[other].bytes), factors[other]);
    bytes = std::max<std::size_t>(bytes, equations_[other].bytes);
  }
  equations_[row] = {static_cast<std::uint16_t>(bytes), 0, true, false};
  ++active_;
  return true;
}

/// Makes the oldest unknown of `row` its pivot and takes it out of the other equations. Those that
/// name it have older pivots, so every pivot stays the oldest unknown of its equation.
void RepairSolver::install(Row row) {
  Equation& equation = equations_[row];
  equation.pivot = oldest_unknown(row).value();
  const std::uint8_t to_one = inverse(to_u8(coefficients(row)[equation.pivot]));
  scale(coefficients(row), to_one);
  scale(symbol(row).first(equation.bytes), to_one);
  for (Row other = 0; other < equations_.size(); ++other) {
    if (other == row || !equations_[other].active) continue;
    const std::uint8_t factor = to_u8(coefficients(other)[equation.pivot]);
    if (factor == 0) continue;
    mul_add(coefficients(other), coefficients(row), factor);
    mul_add(symbol(other), symbol(row).first(equation.bytes), factor);
    equations_[other].bytes = std::max(equations_[other].bytes, equation.bytes);
    refresh_solved(other);
  }
  refresh_solved(row);
}

/// The part of `column` is known: it leaves all equations.
void RepairSolver::resolve(Column column, Bytes part) {
  std::optional<Row> without_pivot;
  for (Row row = 0; row < equations_.size(); ++row) {
    if (!equations_[row].active) continue;
    const std::byte factor = coefficients(row)[column];
    if (factor == std::byte{0}) continue;
    // A repair is as long as the longest part it names.
    if (symbol_bytes(part) > equations_[row].bytes) return fail();
    SymbolSum sum{symbol(row)};
    sum.add(part, to_u8(factor));
    sum.finish();
    coefficients(row)[column] = std::byte{0};
    if (equations_[row].pivot == column) {
      without_pivot = row;
    } else {
      refresh_solved(row);
    }
  }
  unknowns_.close(column);
  if (without_pivot) repivot(*without_pivot);
}

void RepairSolver::repivot(Row row) {
  if (oldest_unknown(row)) return install(row);
  // 0 = 0, unless somebody lied.
  const bool contradiction = !all_zero(symbol(row).first(equations_[row].bytes));
  release(row);
  if (contradiction) fail();
}

void RepairSolver::resolve_arrived() {
  for (Column column = 0; column < unknowns_.width(); ++column) {
    if (!unknowns_.is_open(column)) continue;
    const Bytes part = parts_->find(unknowns_.seq(column));
    if (!part.empty()) resolve(column, part);
  }
}

std::optional<RevivedPart> RepairSolver::poll_revived() {
  if (active_ == 0) return std::nullopt;
  resolve_arrived();
  if (solved_ == 0) return std::nullopt;
  Row row = 0;
  while (!equations_[row].solved) ++row;
  const Equation equation = equations_[row];
  if (!is_plausible_symbol(symbol(row).first(equation.bytes))) {
    fail();
    return std::nullopt;
  }
  const Seq seq = unknowns_.seq(equation.pivot);
  release(row);
  unknowns_.close(equation.pivot);
  ++counts_.revived;
  const MutableBytes memory =
      std::span{rows_}.subspan(row * kRowBytes + kUnknownsMax, kSymbolHeadroom + kCodedBytesMax);
  return RevivedPart{seq, make_ring_form(memory, static_cast<std::uint8_t>(track_), seq)};
}

void RepairSolver::refresh_solved(Row row) {
  const Bytes factors = coefficients(row);
  const std::size_t pivot = equations_[row].pivot;
  const bool solved = all_zero(factors.first(pivot)) && all_zero(factors.subspan(pivot + 1));
  if (solved == equations_[row].solved) return;
  equations_[row].solved = solved;
  if (solved) {
    ++solved_;
  } else {
    --solved_;
  }
}

void RepairSolver::forget_before(Seq seq) {
  if (!floor_ || seq.newer_than(*floor_)) floor_ = seq;
  drop_before(seq);
}

/// An equation whose oldest unknown is past says nothing more: no other one names that unknown.
void RepairSolver::drop_before(Seq seq) {
  const std::size_t active = active_;
  for (Row row = 0; row < equations_.size() && active_ > 0; ++row) {
    if (!equations_[row].active || !seq.newer_than(unknowns_.seq(equations_[row].pivot))) continue;
    ++counts_.forgotten;
    release(row);
  }
  if (active_ != active) close_unused_columns();
}

void RepairSolver::drop_oldest() {
  std::optional<Seq> oldest;
  for (const Equation& equation : equations_) {
    if (!equation.active) continue;
    const Seq seq = unknowns_.seq(equation.pivot);
    if (!oldest || oldest->newer_than(seq)) oldest = seq;
  }
  if (oldest) drop_before(*oldest + 1);
}

void RepairSolver::release(Row row) {
  if (equations_[row].solved) --solved_;
  equations_[row] = {};
  --active_;
}

/// Row operations never empty a column; dropping rows does.
void RepairSolver::close_unused_columns() {
  std::array<std::uint64_t, kUnknownsMax / kWordBytes> used{};
  for (Row row = 0; row < equations_.size(); ++row) {
    if (!equations_[row].active) continue;
    const Bytes factors = coefficients(row);
    for (std::size_t at = 0; at < factors.size(); at += kWordBytes)
      used[at / kWordBytes] |= word_at(factors, at);
  }
  const Bytes bytes = std::as_bytes(std::span{used});
  for (std::size_t column = unknowns_.width(); column-- > 0;) {
    if (bytes[column] == std::byte{0} && unknowns_.is_open(static_cast<Column>(column)))
      unknowns_.close(static_cast<Column>(column));
  }
}

/// What repairs claimed before the track's first part may lie anywhere.
void RepairSolver::keep_in_reach() {
  constexpr auto kReach = static_cast<std::int32_t>(kRepairReachParts);
  for (Column column = 0; column < unknowns_.width(); ++column) {
    if (!unknowns_.is_open(column)) continue;
    const std::int32_t distance = unknowns_.seq(column).distance_from(*newest_);
    if (distance <= -kReach || distance >= kReach) return clear();
  }
}

void RepairSolver::clear() {
  counts_.forgotten += active_;
  for (Row row = 0; row < equations_.size(); ++row) {
    if (equations_[row].active) release(row);
  }
  close_unused_columns();
}

void RepairSolver::fail() {
  ++counts_.implausible;
  clear();
}

std::optional<Column> RepairSolver::oldest_unknown(Row row) const {
  std::optional<Column> oldest;
  const Bytes factors = coefficients(row);
  for (std::size_t at = 0; at < factors.size(); at += kWordBytes) {
    std::uint64_t word = word_at(factors, at);
    if (word == 0) continue;
    for (std::size_t i = at; i < std::min(at + kWordBytes, factors.size()); ++i) {
      const auto column = static_cast<Column>(i);
      if (factors[i] == std::byte{0}) continue;
      if (!oldest || unknowns_.seq(*oldest).newer_than(unknowns_.seq(column))) oldest = column;
    }
  }
  return oldest;
}

MutableBytes RepairSolver::coefficients(Row row) {
  return std::span{rows_}.subspan(row * kRowBytes, unknowns_.width());
}

Bytes RepairSolver::coefficients(Row row) const {
  return Bytes{rows_}.subspan(row * kRowBytes, unknowns_.width());
}

MutableBytes RepairSolver::symbol(Row row) {
  return std::span{rows_}.subspan(row * kRowBytes + kSymbolOffset, kCodedBytesMax);
}

}  // namespace sluice::fec
