// The Clopper-Pearson bound of a miss rate: what the true rate does not exceed, with 95 %
// confidence, when `missed` of `sent` were missed. One-sided; exact, so also right for none missed.
#pragma once

#include <cstdint>

namespace sluice::bench {

/// In [0, 1]; 1 when nothing was sent.
double upper_bound_95(std::uint64_t missed, std::uint64_t sent);

}  // namespace sluice::bench
