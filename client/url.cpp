#include "client/url.h"

#include <charconv>
#include <optional>

namespace sluice::client {
namespace {

constexpr std::string_view kScheme = "sluice://";

Unexpected<Error> refuse(std::string_view text, std::string_view what) {
  return fail(ExitCode::kBadInput, std::string{text} + ": " + std::string{what} +
                                       "; expected sluice://HOST[:PORT]/ROOM/NAME");
}

struct HostPort {
  std::string_view host;
  std::string_view port;  // empty: not given
  bool port_given = false;
};

/// Splits "host", "host:port", "[v6]" and "[v6]:port"; nothing when brackets or colons do not fit.
std::optional<HostPort> split_authority(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view tail = authority.substr(end + 1);
    if (!tail.empty() && tail[0] != ':') return std::nullopt;
    return HostPort{authority.substr(1, end - 1), tail.empty() ? tail : tail.substr(1),
                    !tail.empty()};
  }
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos) return HostPort{authority, {}, false};
  if (authority.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
  return HostPort{authority.substr(0, colon), authority.substr(colon + 1), true};
}

/// 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

Result<StreamUrl, Error> parse_url(std::string_view text) {
  if (!text.starts_with(kScheme)) return refuse(text, "not a sluice:// address");
  const std::string_view rest = text.substr(kScheme.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return refuse(text, "no room and stream name");

  const auto authority = split_authority(rest.substr(0, slash));
  if (!authority) return refuse(text, "the host is malformed (IPv6 goes in brackets)");
  if (authority->host.empty()) return refuse(text, "no host");
  StreamUrl url;
  url.host = authority->host;
  if (authority->port_given) {
    const auto port = parse_port(authority->port);
    if (!port) return refuse(text, "the port is not a number from 1 to 65535");
    url.port = *port;
  }

  const std::string_view path = rest.substr(slash + 1);
  const auto second = path.find('/');
  if (second == std::string_view::npos) return refuse(text, "no stream name behind the room");
  const auto room = RoomName::parse(path.substr(0, second));
  if (!room) return refuse(text, "a room is 1 to 64 letters, digits, _ or -");
  const auto stream = StreamName::parse(path.substr(second + 1));
  if (!stream) return refuse(text, "a stream is 1 to 96 letters, digits, _ or -");
  url.room = *room;
  url.stream = *stream;
  return url;
}

}  // namespace sluice::client
