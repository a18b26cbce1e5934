#include "net/http_syntax.h"

#include <algorithm>

namespace sluice::net {

bool carries_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

bool is_misread_body(std::string_view body, std::string_view method) {
  const std::size_t begin = std::min(body.find_first_not_of(" \r\n"), body.size());
  std::string_view text = body.substr(begin);
  const std::string line = std::string{method} + " ";
  text = text.substr(0, line.size());
  return std::equal(text.begin(), text.end(), line.begin(), [](char a, char b) {
    return a == b ||
           (a >= 'a' && a <= 'z' && a - 'a' + 'A' == b);  // it takes methods in either case
  });
}

std::optional<std::size_t> content_length(const std::string& text) {
  constexpr std::size_t kDigitsMax = 18;
  if (text.size() > kDigitsMax) return std::nullopt;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

Address host_of(Address address) {
  address.port = 0;
  if (!address.is_v4()) std::fill(address.ip.begin() + 8, address.ip.end(), std::byte{});
  return address;
}

}  // namespace sluice::net
