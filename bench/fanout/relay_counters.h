// The relay's own counters, read from its /metrics page.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace sluice::bench {

/// The page's text. Blocks; `address` is "127.0.0.1:8080".
Result<std::string, Failure> fetch_metrics(const std::string& address);

/// The sum of all samples of `name` whose labels contain `label` ('direction="out"'); 0 of none.
double metric_sum(std::string_view page, std::string_view name, std::string_view label = {});

/// The value of a label of `name`'s first sample; empty when there is none.
std::string metric_label(std::string_view page, std::string_view name, std::string_view label);

}  // namespace sluice::bench
