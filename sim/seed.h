// Seeds of simulated runs. A test loops over seeds(n) and wraps each run in SLUICE_SIM_SEED(seed),
// so that a failure prints the seed; `SIM_SEED=<that>` in the environment then replays this run
// alone, and `SIM_SEEDS=<n>` asks for more runs than a quick test makes. A seed that failed once is
// put into the test's regression list, which always runs first. The test includes GoogleTest
// itself.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace sluice::sim {

/// The seeds to run: that of SIM_SEED alone, or `regressions` and then 1 to `count` (or SIM_SEEDS).
std::vector<std::uint64_t> seeds(std::uint64_t count,
                                 std::initializer_list<std::uint64_t> regressions = {});

inline std::string seed_line(std::uint64_t seed) {
  return "replay with SIM_SEED=" + std::to_string(seed);
}

}  // namespace sluice::sim

#define SLUICE_SIM_SEED(seed) SCOPED_TRACE(::sluice::sim::seed_line(seed))
