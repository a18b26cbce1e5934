// `sluice-bench compare a.json b.json`: two reports side by side, figure by figure, with the ratio
// of the second to the first. A list of numbers stands for its median.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace CLI {
class App;
}

namespace sluice::bench {

struct ComparedFigure {
  std::string name;
  std::optional<double> a, b;

  /// Of b to a; nothing where one is missing or a is 0.
  std::optional<double> ratio() const;
};

/// All figures of either report, in a's order, then b's own. Errors: what is no JSON object.
Result<std::vector<ComparedFigure>, Failure> compare_reports(const std::string& a,
                                                             const std::string& b);

std::string comparison_table(const std::vector<ComparedFigure>& figures);

struct CompareCommand {
  std::string a, b, fail_if;
};

CLI::App* add_compare_command(CLI::App& app, CompareCommand& command);

/// 0; 1 when a condition holds of b; 2 for conditions or reports that cannot be read.
int run_compare_command(const CompareCommand& command);

}  // namespace sluice::bench
