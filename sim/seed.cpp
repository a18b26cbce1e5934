#include "sim/seed.h"

#include <cstdlib>

namespace sluice::sim {

namespace {

// 0 when the variable is unset or no number; no seed of ours is 0.
std::uint64_t from_environment(const char* name) {
  const char* text = std::getenv(name);  // before any thread is started
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 0);
}

}  // namespace

std::vector<std::uint64_t> seeds(std::uint64_t count,
                                 std::initializer_list<std::uint64_t> regressions) {
  if (const std::uint64_t only = from_environment("SIM_SEED"); only != 0) return {only};
  if (const std::uint64_t more = from_environment("SIM_SEEDS"); more != 0) count = more;
  std::vector<std::uint64_t> result{regressions};
  for (std::uint64_t seed = 1; seed <= count; ++seed) result.push_back(seed);
  return result;
}

}  // namespace sluice::sim
