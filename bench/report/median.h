// The median of some figures.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

namespace sluice::bench {

/// Of an even number the mean of the middle two; nothing of none.
inline std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace sluice::bench
