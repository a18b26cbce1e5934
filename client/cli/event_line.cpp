#include "client/cli/event_line.h"

#include <array>
#include <ctime>

#include <nlohmann/json.hpp>

namespace sluice::client {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& event, const char* name) {
  const auto at = event.find(name);
  if (at == event.end()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

std::string time_of(const Json& event) {
  const auto at = event.find("at");
  if (at == event.end() || !at->is_number_integer()) return "--:--:--";
  const auto seconds = at->get<std::time_t>();
  std::tm local{};
  std::array<char, 16> text{};
  if (localtime_r(&seconds, &local) == nullptr ||
      std::strftime(text.data(), text.size(), "%H:%M:%S", &local) == 0) {
    return "--:--:--";
  }
  return text.data();
}

std::string words_of(const Json& event) {
  const std::string kind = text_of(event, "kind"), user = text_of(event, "user");
  if (kind == "join") return user + " came in as " + text_of(event, "role");
  if (kind == "leave") return user + " is out: " + text_of(event, "reason");
  if (kind == "text") return user + " says " + text_of(event, "text");
  if (kind == "custom") return user + " sends " + text_of(event, "data");
  if (kind == "stream_up") return user + " pushes " + text_of(event, "stream");
  if (kind == "stream_down") return user + " pushes no more: " + text_of(event, "stream");
  if (kind == "quality") return user + " has quality " + text_of(event, "quality") + " of 1 to 6";
  if (kind == "dissolve") return "the room is dissolved: " + text_of(event, "reason");
  if (kind == "gap") return "what happened before is not kept any more";
  return kind + (user.empty() ? "" : " " + user);
}

/// Control characters, escape sequences' among them, become '?': those below a space, and U+0080 to
/// U+009F, which UTF-8 has as 0xC2 and one of 0x80 to 0x9F.
std::string plain(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : ' ');
    if (byte < 0x20 || byte == 0x7F) text[i] = '?';
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) text[i] = text[i + 1] = '?';
  }
  return text;
}

}  // namespace

std::string event_line(const std::string& event) {
  const Json json = Json::parse(event, nullptr, false);
  if (!json.is_object()) return plain(event);
  return time_of(json) + " " + plain(words_of(json));
}

}  // namespace sluice::client
