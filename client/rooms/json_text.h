// Texts out of JSON that somebody else made.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sluice::client {

/// Empty for what is not there, or is no text.
inline std::string text_of(const nlohmann::json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

}  // namespace sluice::client
