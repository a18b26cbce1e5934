// RequestBody: the fields of a POST, as the seed's server takes them: a JSON object (also under the
// name text/xml), or application/x-www-form-urlencoded, where numbers come as texts. Other types
// are not read: their fields are missing. Hostile bytes; no field is larger than the body's limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::rooms {

/// Of 16 levels at most, as the parser recurses; discarded when it is none.
nlohmann::json parse_json(std::string_view text);

/// UTF-8 without control characters but for line ends and tabs: the rest is nobody's writing.
bool is_clean(std::string_view text);

class RequestBody {
 public:
  /// Nothing when the body says it is JSON and is not, or is no object.
  static std::optional<RequestBody> read(std::string_view content_type, std::string_view body);

  bool has(const char* name) const;

  /// A text, or a number as text. Nothing for other types, control characters, or what is no UTF-8.
  std::optional<std::string> text(const char* name) const;

  /// A whole number from 0 on, or a text of digits.
  std::optional<std::uint64_t> number(const char* name) const;

  /// A JSON value, or a text that holds one. Nothing when it holds none.
  std::optional<nlohmann::json> json(const char* name) const;

 private:
  nlohmann::json fields_ = nlohmann::json::object();
};

}  // namespace sluice::rooms
