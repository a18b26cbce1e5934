// Quantities as people write them on a command line: shares, rates, times. Used by the impairing
// proxy and by the measuring programs, so that "5%" and "2M" mean the same in both.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/time.h"

namespace sluice::sim {

/// A number >= 0, all of the text.
std::optional<double> parse_number(std::string_view text);

/// "0.05" and "5%" are the same share; at most 1.
std::optional<double> parse_share(std::string_view text);

/// Bits a second: "800000", "800k" or "0.8M".
std::optional<double> parse_rate(std::string_view text);

/// An hour at most: more is a mistake.
std::optional<Duration> parse_milliseconds(std::string_view text);

}  // namespace sluice::sim
