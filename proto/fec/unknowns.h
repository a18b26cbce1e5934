// Unknowns: the missing parts that a solver's equations name, each with a column of their matrix.
// Looking a number up is one access, by its low bits; so the numbers in it must lie within
// kRepairReachParts before and behind the track's newest part, which the solver sees to.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"

namespace sluice::fec {

using Column = std::uint16_t;

class Unknowns {
 public:
  static constexpr Column kNone = 0xFFFF;

  Column find(Seq seq) const {
    if (seqs_.empty()) return kNone;
    const Column column = column_of_[place(seq)];
    return column != kNone && seqs_[column] == seq ? column : kNone;
  }

  /// `seq` has no column, and there is a free one. The lowest is taken, so that rows stay short.
  Column open(Seq seq) {
    DCHECK(find(seq) == kNone && count_ < kUnknownsMax);
    if (seqs_.empty()) {
      seqs_.resize(kUnknownsMax);
      column_of_.assign(2 * kRepairReachParts, kNone);
    }
    std::size_t word = 0;
    while (open_[word] == kAllOpen) ++word;
    const auto bit = static_cast<std::size_t>(std::countr_one(open_[word]));
    open_[word] |= std::uint64_t{1} << bit;
    const auto column = static_cast<Column>(word * kWordBits + bit);
    if (column >= width_) width_ = column + 1U;
    seqs_[column] = seq;
    column_of_[place(seq)] = column;
    ++count_;
    return column;
  }

  void close(Column column) {
    DCHECK(is_open(column));
    column_of_[place(seqs_[column])] = kNone;
    open_[column / kWordBits] &= ~(std::uint64_t{1} << column % kWordBits);
    --count_;
    while (width_ > 0 && !is_open(static_cast<Column>(width_ - 1))) --width_;
  }

  bool is_open(Column column) const {
    return (open_[column / kWordBits] >> column % kWordBits & 1U) != 0;
  }

  /// Of an open column.
  Seq seq(Column column) const { return seqs_[column]; }

  std::size_t room() const { return kUnknownsMax - count_; }

  /// Columns beyond it are not open.
  std::size_t width() const { return width_; }

 private:
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::uint64_t kAllOpen = ~std::uint64_t{0};
  static_assert(kUnknownsMax % kWordBits == 0 && std::has_single_bit(kRepairReachParts));

  static std::size_t place(Seq seq) { return seq.value() & (2 * kRepairReachParts - 1); }

  std::vector<Seq> seqs_;          // by column; empty before the first repair
  std::vector<Column> column_of_;  // by the low bits of the number
  std::array<std::uint64_t, kUnknownsMax / kWordBits> open_{};
  std::size_t count_ = 0;
  std::size_t width_ = 0;
};

}  // namespace sluice::fec
