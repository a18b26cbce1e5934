// DropCounts: how often each DropReason happened on one link. There is no silent return.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/drop_reason.h"

namespace sluice::link {

class DropCounts {
 public:
  void add(DropReason reason, std::uint32_t count = 1) {
    counts_[static_cast<std::size_t>(reason)] += count;
  }

  std::uint32_t of(DropReason reason) const { return counts_[static_cast<std::size_t>(reason)]; }

 private:
  std::array<std::uint32_t, kDropReasonCount> counts_{};
};

}  // namespace sluice::link
