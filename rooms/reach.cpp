#include "rooms/reach.h"

#include <algorithm>
#include <optional>

#include "net/address.h"

namespace sluice::rooms {
namespace {

enum class Kind { kName, kPublic, kPrivate, kLoopback, kWildcard };

constexpr std::size_t kHostBytesMax = 255;

/// Without the port; an IPv6 address keeps its brackets.
std::string_view host_of(std::string_view address) {
  if (!address.empty() && address.front() == '[') return address.substr(0, address.find(']') + 1);
  return address.substr(0, address.rfind(':'));
}

std::string_view port_of(std::string_view address) {
  const std::string_view rest = address.substr(std::min(host_of(address).size(), address.size()));
  return rest.empty() ? rest : rest.substr(1);
}

/// Of an IP address; an IPv6 one has brackets.
std::optional<Address> literal(std::string_view host) {
  if (host.empty()) return std::nullopt;
  const auto address = net::parse_address(std::string{host} + ":1");
  if (!address) return std::nullopt;
  return *address;
}

Kind kind_of(const Address& address) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(address.ip[i]); };
  if (address.is_loopback()) return Kind::kLoopback;
  if (address.is_v4()) {
    const unsigned a = byte(12), b = byte(13);
    if (a == 0) return Kind::kWildcard;
    // RFC 1918, shared space (RFC 6598), link-local.
    const bool inside = a == 10 || (a == 172 && (b & 0xF0U) == 16) || (a == 192 && b == 168) ||
                        (a == 100 && (b & 0xC0U) == 64) || (a == 169 && b == 254);
    return inside ? Kind::kPrivate : Kind::kPublic;
  }
  if (std::all_of(address.ip.begin(), address.ip.end(),
                  [](std::byte b) { return b == std::byte{}; }))
    return Kind::kWildcard;
  // Unique local (RFC 4193), link-local.
  const bool inside = (byte(0) & 0xFEU) == 0xFC || (byte(0) == 0xFE && (byte(1) & 0xC0U) == 0x80);
  return inside ? Kind::kPrivate : Kind::kPublic;
}

Kind kind_of(std::string_view host) {
  const auto address = literal(host);
  if (address) return kind_of(*address);
  return host == "localhost" ? Kind::kLoopback : Kind::kName;
}

/// What a client may have sent as Host, if it is one.
std::string_view good_host(std::string_view http_host) {
  const std::string_view host = host_of(http_host);
  if (host.empty() || host.size() > kHostBytesMax) return {};
  if (literal(host)) return kind_of(host) == Kind::kWildcard ? std::string_view{} : host;
  const bool clean = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  return clean ? host : std::string_view{};
}

bool has_port(std::string_view address) {
  return address.find(':') != std::string_view::npos && !port_of(address).empty() &&
         (address.front() == '[' || address.find(':') == address.rfind(':'));
}

/// What others reach, too.
bool is_good(Kind kind) { return kind == Kind::kName || kind == Kind::kPublic; }

std::string choose(const ReachInput& in) {
  const std::string port{port_of(in.told)};
  if (!in.configured.empty()) {
    return std::string{in.configured} + (has_port(in.configured) ? "" : ":" + port);
  }
  const Kind told = kind_of(host_of(in.told));
  // Who comes by loopback reaches the relay's loopback, which its other names may not be.
  const bool same_machine = told == Kind::kLoopback && kind_of(in.client) == Kind::kLoopback;
  const std::string_view host = good_host(in.http_host);
  if (is_good(told) || same_machine || host.empty()) return std::string{in.told};
  return std::string{host} + ":" + port;
}

}  // namespace

Reach reach_of(const ReachInput& input) {
  Reach reach{choose(input), false};
  const bool from_outside = kind_of(input.client) == Kind::kPublic;
  reach.doubtful = from_outside && !is_good(kind_of(host_of(reach.address)));
  return reach;
}

}  // namespace sluice::rooms
