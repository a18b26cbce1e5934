#include "rooms/request_body.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "proto/base/utf8.h"

namespace sluice::rooms {
namespace {

using Json = nlohmann::json;

/// "application/json; charset=utf-8" is application/json.
std::string media_type(std::string_view content_type) {
  std::string type{content_type.substr(0, content_type.find(';'))};
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// A percent sign that no two digits follow stands for itself, as clients do not always escape.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (text[i] == '%' && high >= 0 && low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

Json read_form(std::string_view body) {
  Json fields = Json::object();
  while (!body.empty()) {
    const std::size_t end = body.find('&');
    const std::string_view pair = body.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = unescaped(pair.substr(0, equals));
    const std::string value =
        equals == pair.size() ? std::string{} : unescaped(pair.substr(equals + 1));
    if (is_clean(name) && is_clean(value)) fields[name] = value;
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
  }
  return fields;
}

}  // namespace

bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character) return false;
    const bool control = character->code < 0x20 || character->code == 0x7F;
    if (control && character->code != '\n' && character->code != '\t' && character->code != '\r') {
      return false;
    }
    text.remove_prefix(character->bytes);
  }
  return true;
}

Json parse_json(std::string_view text) {
  constexpr int kDepthMax = 16;
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kDepthMax; };
  return Json::parse(text, shallow, false);
}

std::optional<RequestBody> RequestBody::read(std::string_view content_type, std::string_view body) {
  RequestBody result;
  const std::string type = media_type(content_type);
  if (type == "application/x-www-form-urlencoded") {
    result.fields_ = read_form(body);
  } else if (type == "application/json" || type == "text/xml") {
    if (body.empty()) return result;
    result.fields_ = parse_json(body);
    if (!result.fields_.is_object()) return std::nullopt;
  }
  return result;
}

bool RequestBody::has(const char* name) const {
  const auto at = fields_.find(name);
  return at != fields_.end() && !at->is_null();
}

std::optional<std::string> RequestBody::text(const char* name) const {
  const auto at = fields_.find(name);
  if (at == fields_.end()) return std::nullopt;
  if (at->is_number_integer()) return at->dump();
  if (!at->is_string() || !is_clean(at->get_ref<const std::string&>())) return std::nullopt;
  return at->get<std::string>();
}

std::optional<std::uint64_t> RequestBody::number(const char* name) const {
  const auto digits = text(name);
  if (!digits) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = digits->data() + digits->size();
  const auto [at, error] = std::from_chars(digits->data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::optional<Json> RequestBody::json(const char* name) const {
  const auto at = fields_.find(name);
  if (at == fields_.end()) return std::nullopt;
  if (!at->is_string()) return *at;
  Json parsed = parse_json(at->get_ref<const std::string&>());
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

}  // namespace sluice::rooms
