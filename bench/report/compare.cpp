#include "bench/report/compare.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/report/condition.h"
#include "bench/report/median.h"
#include "bench/report/outcome.h"
#include "bench/report/report_file.h"

namespace sluice::bench {
namespace {

using Json = nlohmann::ordered_json;

bool is_number(const Json& value) { return value.is_number(); }

/// Nothing for what is no figure: text, null, a list of other things.
std::optional<double> figure_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_array() || value.empty()) return std::nullopt;
  if (!std::all_of(value.begin(), value.end(), is_number)) return std::nullopt;
  return median(value.get<std::vector<double>>());
}

std::string told(const std::optional<double>& value) {
  if (!value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *value);
  return text;
}

}  // namespace

std::optional<double> ComparedFigure::ratio() const {
  if (!a || !b || *a == 0) return std::nullopt;
  return *b / *a;
}

Result<std::vector<ComparedFigure>, Failure> compare_reports(const std::string& a,
                                                             const std::string& b) {
  const Json first = Json::parse(a, nullptr, false), second = Json::parse(b, nullptr, false);
  if (!first.is_object()) return Unexpected{Failure{"the first report is no JSON object"}};
  if (!second.is_object()) return Unexpected{Failure{"the second report is no JSON object"}};
  std::vector<ComparedFigure> figures;
  for (const auto& [name, value] : first.items()) {
    const auto other = second.find(name);
    ComparedFigure figure{name, figure_of(value), std::nullopt};
    if (other != second.end()) figure.b = figure_of(*other);
    if (figure.a || figure.b) figures.push_back(std::move(figure));
  }
  for (const auto& [name, value] : second.items()) {
    if (const auto figure = figure_of(value); figure && !first.contains(name)) {
      figures.push_back({name, std::nullopt, figure});
    }
  }
  return figures;
}

std::string comparison_table(const std::vector<ComparedFigure>& figures) {
  std::string table;
  char line[160];
  std::snprintf(line, sizeof line, "%-32s %14s %14s %8s\n", "", "a", "b", "b/a");
  table += line;
  for (const ComparedFigure& figure : figures) {
    const auto ratio = figure.ratio();
    char quotient[16] = "-";
    if (ratio) std::snprintf(quotient, sizeof quotient, "%.3f", *ratio);
    std::snprintf(line, sizeof line, "%-32s %14s %14s %8s\n", figure.name.c_str(),
                  told(figure.a).c_str(), told(figure.b).c_str(), quotient);
    table += line;
  }
  return table;
}

CLI::App* add_compare_command(CLI::App& app, CompareCommand& command) {
  CLI::App* compare = app.add_subcommand("compare", "two reports side by side, and their ratios");
  compare->footer(
      "Examples:\n"
      "  sluice-bench compare before.json after.json\n"
      "  sluice-bench compare before.json after.json --fail-if 'p99>5ms,loss>0.1%'");
  compare->add_option("a", command.a, "the first report, JSON")->required();
  compare->add_option("b", command.b, "the second")->required();
  compare->add_option("--fail-if", command.fail_if,
                      "exit 1 when any holds of the second: 'p99>5ms,loss>0.1%'");
  return compare;
}

int run_compare_command(const CompareCommand& command) {
  const auto conditions = parse_conditions(command.fail_if);
  if (!conditions) return say(kExitBadInput, "--fail-if: " + conditions.error().message);
  const auto a = read_report_file(command.a);
  if (!a) return say(kExitBadInput, a.error().message);
  const auto b = read_report_file(command.b);
  if (!b) return say(kExitBadInput, b.error().message);
  const auto figures = compare_reports(*a, *b);
  if (!figures)
    return say(kExitBadInput, command.a + ", " + command.b + ": " + figures.error().message);
  std::fputs(comparison_table(*figures).c_str(), stdout);
  return judge(*conditions, *b) ? kExitFailed : 0;
}

}  // namespace sluice::bench
