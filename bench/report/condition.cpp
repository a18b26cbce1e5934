#include "bench/report/condition.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::bench {
namespace {

using Relation = Condition::Relation;

constexpr std::string_view kLoss = "loss";

struct Unit {
  std::string_view name;
  double factor;
  enum class Of : std::uint8_t { kTime, kShare, kPlain } of;
};

constexpr std::array<Unit, 5> kUnits{{{"", 1, Unit::Of::kPlain},
                                      {"us", 1, Unit::Of::kTime},
                                      {"ms", 1e3, Unit::Of::kTime},
                                      {"s", 1e6, Unit::Of::kTime},
                                      {"%", 0.01, Unit::Of::kShare}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kShort{
    {{"p50", "latency_us_p50"},
     {"p99", "latency_us_p99"},
     {"join_p50", "join_us_p50"},
     {"echo_p99", "echo_latency_us_p99"}}};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

bool is_time(std::string_view figure) { return figure.find("_us") != std::string_view::npos; }

Unexpected<Failure> bad(std::string_view text, const char* why) {
  return Unexpected{Failure{"'" + std::string{text} + "': " + why}};
}

Result<Condition, Failure> parse_condition(std::string_view text) {
  const auto at = text.find_first_of("<>");
  if (at == std::string_view::npos) return bad(text, "wants > or < between a figure and a number");
  const std::string_view name = trimmed(text.substr(0, at));
  if (!is_name(name)) return bad(text, "names no figure; one is like p99, loss or ratio");
  Condition condition{std::string{text}, std::string{name}, Relation::kAbove, 0};
  for (const auto& [brief, whole] : kShort) {
    if (name == brief) condition.figure = whole;
  }
  const bool equal = text.substr(at + 1).starts_with('=');
  condition.relation = text[at] == '>' ? (equal ? Relation::kAtLeast : Relation::kAbove)
                                       : (equal ? Relation::kAtMost : Relation::kBelow);
  const std::string number{trimmed(text.substr(at + (equal ? 2 : 1)))};
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (end == number.c_str() || !std::isfinite(value)) return bad(text, "has no number");
  const std::string_view unit_name = trimmed(end);
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    const bool time = is_time(condition.figure);
    if (unit.of == Unit::Of::kTime && !time) return bad(text, "a figure that is no time");
    if (unit.of != Unit::Of::kTime && time) return bad(text, "a time wants us, ms or s");
    condition.limit = value * unit.factor;
    return condition;
  }
  return bad(text, "has a unit that is none of us, ms, s, %");
}

std::optional<double> number_at(const nlohmann::json& report, const std::string& key) {
  const auto found = report.find(key);
  if (found == report.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// Of copies, frames or packets, whichever the report counts.
std::optional<double> loss_of(const nlohmann::json& report) {
  if (const auto missing = number_at(report, "copies_missing")) {
    const auto expected = number_at(report, "copies_expected");
    if (expected && *expected > 0) return *missing / *expected;
  }
  const auto expected = number_at(report, "frames_expected");
  const auto received = number_at(report, "frames_received");
  if (expected && received && *expected > 0) return (*expected - *received) / *expected;
  return std::nullopt;
}

bool holds(const Condition& condition, double value) {
  switch (condition.relation) {
    case Relation::kAbove:
      return value > condition.limit;
    case Relation::kBelow:
      return value < condition.limit;
    case Relation::kAtLeast:
      return value >= condition.limit;
    case Relation::kAtMost:
      return value <= condition.limit;
  }
  return false;
}

}  // namespace

Result<std::vector<Condition>, Failure> parse_conditions(std::string_view text) {
  std::vector<Condition> conditions;
  if (trimmed(text).empty()) return conditions;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    auto condition = parse_condition(trimmed(text.substr(0, comma)));
    if (!condition) return Unexpected{condition.error()};
    conditions.push_back(std::move(*condition));
    if (more) text.remove_prefix(comma + 1);
  }
  return conditions;
}

std::vector<std::string> failures_of(const std::vector<Condition>& conditions,
                                     const std::string& report) {
  const auto json = nlohmann::json::parse(report, nullptr, false);
  std::vector<std::string> failures;
  for (const Condition& condition : conditions) {
    const auto value =
        condition.figure == kLoss ? loss_of(json) : number_at(json, condition.figure);
    if (!value) {
      failures.push_back(condition.text + ": the report has no " + condition.figure);
    } else if (holds(condition, *value)) {
      char told[32];
      std::snprintf(told, sizeof told, "%g", *value);
      failures.push_back(condition.text + ": " + condition.figure + " is " + told);
    }
  }
  return failures;
}

bool judge(const std::vector<Condition>& conditions, const std::string& report) {
  const auto failures = failures_of(conditions, report);
  for (const std::string& failure : failures) {
    std::fprintf(stderr, "sluice-bench: failed: %s\n", failure.c_str());
  }
  return !failures.empty();
}

}  // namespace sluice::bench
