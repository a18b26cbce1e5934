// A UDP or TCP address without sockets: 16 bytes of IPv6 (IPv4 as ::ffff:a.b.c.d) and a port.
// net/ converts to and from sockaddr; proto/ only compares, hashes and prints.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice {

struct Address {
  std::array<std::byte, 16> ip{};
  std::uint16_t port = 0;

  static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                    std::uint16_t port);

  bool is_v4() const;
  bool is_loopback() const;

  /// "192.0.2.1:443" or "[2001:db8::1]:443".
  std::string to_string() const;

  auto operator<=>(const Address&) const = default;
};

}  // namespace sluice
