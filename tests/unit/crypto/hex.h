// Hexadecimal text to bytes, for tests that quote published figures.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/crypto/encoding.h"

namespace sluice::crypto {

inline std::vector<std::byte> from_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

/// `from` to `from + count - 1`, one byte each.
inline std::vector<std::byte> counting(std::size_t from, std::size_t count) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(from + i));
  return bytes;
}

}  // namespace sluice::crypto
