#include "proto/base/utf8.h"

#include <cstdint>

namespace sluice {
namespace {

/// By its first byte: how long a character is, and the bits of its code in that byte.
struct Lead {
  std::size_t bytes = 0;
  std::uint8_t bits = 0;
};

Lead lead_of(std::uint8_t first) {
  if (first < 0x80) return {1, 0x7F};
  if (first >= 0xC2 && first < 0xE0) return {2, 0x1F};
  if (first >= 0xE0 && first < 0xF0) return {3, 0x0F};
  if (first >= 0xF0 && first < 0xF5) return {4, 0x07};
  return {};
}

bool in_range(char32_t code, std::size_t bytes) {
  if (bytes == 3) return code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
  if (bytes == 4) return code >= 0x10000 && code <= 0x10FFFF;
  return true;  // the first byte alone decides
}

}  // namespace

std::optional<Utf8Character> first_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(text.front());
  const Lead lead = lead_of(first);
  if (lead.bytes == 0 || text.size() < lead.bytes) return std::nullopt;
  char32_t code = first & lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0U) != 0x80) return std::nullopt;
    code = code << 6U | (next & 0x3FU);
  }
  if (!in_range(code, lead.bytes)) return std::nullopt;
  return Utf8Character{code, lead.bytes};
}

}  // namespace sluice
