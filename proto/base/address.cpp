#include "proto/base/address.h"

#include <algorithm>
#include <cstdio>

#include "proto/base/bytes.h"

namespace sluice {

namespace {

constexpr std::array<std::byte, 12> kV4Prefix{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

/// The longest run of two or more zero groups, which RFC 5952 writes as "::".
struct ZeroRun {
  std::size_t begin = 8;
  std::size_t length = 0;
};

ZeroRun longest_zero_run(const std::array<unsigned, 8>& groups) {
  ZeroRun best;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = std::max(end, i + 1);
  }
  return best;
}

std::string v6_text(const std::array<std::byte, 16>& ip) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(load_be<2>(&ip[2 * i]));
  const ZeroRun zeros = longest_zero_run(groups);
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (zeros.length > 0 && i == zeros.begin) {
      text += "::";
      i += zeros.length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char group[8];
    std::snprintf(group, sizeof group, "%x", groups[i]);
    text += group;
  }
  return text;
}

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                    std::uint16_t port) {
  Address address;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.ip.begin());
  address.ip[12] = std::byte{a};
  address.ip[13] = std::byte{b};
  address.ip[14] = std::byte{c};
  address.ip[15] = std::byte{d};
  address.port = port;
  return address;
}

bool Address::is_v4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), ip.begin()); }

bool Address::is_loopback() const {
  if (is_v4()) return ip[12] == std::byte{127};
  return std::all_of(ip.begin(), ip.end() - 1, [](std::byte b) { return b == std::byte{0}; }) &&
         ip[15] == std::byte{1};
}

std::string Address::to_string() const {
  if (!is_v4()) return "[" + v6_text(ip) + "]:" + std::to_string(port);
  char text[32];
  std::snprintf(text, sizeof text, "%u.%u.%u.%u:%u", to_u8(ip[12]), to_u8(ip[13]), to_u8(ip[14]),
                to_u8(ip[15]), unsigned{port});
  return text;
}

}  // namespace sluice
