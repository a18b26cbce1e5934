#include "client/part_gaps.h"

#include <algorithm>

namespace sluice::client {

std::uint32_t PartGaps::overlap(const Range& range, Seq from, Seq to) {
  const Seq begin = from.newer_than(range.from) ? from : range.from;
  const Seq end = to.newer_than(range.to) ? range.to : to;
  return begin.newer_than(end) ? 0 : static_cast<std::uint32_t>(end.distance_from(begin)) + 1;
}

PartGaps::Seen PartGaps::on_part(Instant now, Seq seq) {
  Seen seen;
  if (!highest_ || seq == *highest_ + 1) {
    highest_ = seq;
    return seen;
  }
  if (seq.newer_than(*highest_)) {
    const Range gap{*highest_ + 1, seq - 1, now};
    highest_ = seq;
    auto jumped = static_cast<std::uint32_t>(gap.to.distance_from(gap.from)) + 1;
    for (std::size_t i = 0; i < std::min(skips_count_, kSkipsMax); ++i) {
      jumped -= std::min(jumped, overlap(skips_[i], gap.from, gap.to));
    }
    if (jumped > 0) gaps_[gaps_count_++ % kGapsMax] = gap;
    seen.jumped = std::min(jumped, kJumpMax);
    return seen;
  }
  seen.behind = true;
  for (std::size_t i = 0; i < std::min(gaps_count_, kGapsMax); ++i) {
    if (overlap(gaps_[i], seq, seq) == 1) seen.missing_since = gaps_[i].seen_at;
  }
  return seen;
}

std::uint32_t PartGaps::on_skip(Seq from, Seq to) {
  if (from.newer_than(to)) return 0;
  skips_[skips_count_++ % kSkipsMax] = {from, to};
  std::uint32_t told = 0;
  for (std::size_t i = 0; i < std::min(gaps_count_, kGapsMax); ++i) {
    told += overlap(gaps_[i], from, to);
  }
  return std::min(told, kJumpMax);
}

}  // namespace sluice::client
