#include "sim/quantity.h"

#include <cerrno>
#include <cstdlib>
#include <string>

namespace sluice::sim {

std::optional<double> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::string copy{text};  // strtod wants an end
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(copy.c_str(), &end);
  if (*end != '\0' || errno != 0 || !(value >= 0)) return std::nullopt;
  return value;
}

std::optional<double> parse_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  std::optional<double> value = parse_number(text);
  if (value && percent) *value /= 100;
  return value && *value <= 1 ? value : std::nullopt;
}

std::optional<double> parse_rate(std::string_view text) {
  double unit = 1;
  if (text.ends_with('k')) unit = 1e3;
  if (text.ends_with('M')) unit = 1e6;
  if (unit > 1) text.remove_suffix(1);
  std::optional<double> value = parse_number(text);
  if (value) *value *= unit;
  return value;
}

std::optional<Duration> parse_milliseconds(std::string_view text) {
  const std::optional<double> value = parse_number(text);
  if (!value || *value > 3.6e6) return std::nullopt;
  return Duration{static_cast<std::int64_t>(*value * 1000)};
}

}  // namespace sluice::sim
