// Conditions on a report, as --fail-if takes them: 'p99>5ms,loss>0.1%'. A condition is a figure of
// the report, > or < (or >=, <=), and a number with a unit: us, ms or s for figures in us, % for
// shares, none otherwise. p50 and p99 are short for latency_us_p50 and latency_us_p99; loss is what
// did not arrive of what should have. Any other name is a key of the report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace sluice::bench {

struct Condition {
  enum class Relation : std::uint8_t { kAbove, kBelow, kAtLeast, kAtMost };

  std::string text;    // as it was written
  std::string figure;  // key of the report, or "loss"
  Relation relation = Relation::kAbove;
  double limit = 0;  // in the figure's own unit
};

/// Empty text: none. Errors name the condition that cannot be read, and why.
Result<std::vector<Condition>, Failure> parse_conditions(std::string_view text);

/// What the conditions say of a report (one JSON object): the words of each one that holds or that
/// asks for a figure the report does not have. A figure that is missing is never a pass.
std::vector<std::string> failures_of(const std::vector<Condition>& conditions,
                                     const std::string& report);

/// The same, told on standard error. True: at least one failed.
bool judge(const std::vector<Condition>& conditions, const std::string& report);

}  // namespace sluice::bench
