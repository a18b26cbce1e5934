// Name<N>: a checked name of a room, user or stream. Letters, digits, `_` and `-` only, so that a
// name may stand in a path, a URL, a label or a log line as it is. Fixed storage: no allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace sluice {

constexpr bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

template <std::size_t kMax>
class Name {
 public:
  static constexpr std::size_t kLengthMax = kMax;

  constexpr Name() = default;

  /// Nothing when empty, too long, or with a character that names may not have.
  static constexpr std::optional<Name> parse(std::string_view text) {
    if (text.empty() || text.size() > kMax ||
        !std::all_of(text.begin(), text.end(), is_name_character)) {
      return std::nullopt;
    }
    Name name;
    std::copy(text.begin(), text.end(), name.text_.begin());
    name.length_ = static_cast<std::uint8_t>(text.size());
    return name;
  }

  constexpr std::string_view view() const { return {text_.data(), length_}; }

  constexpr bool empty() const { return length_ == 0; }

  constexpr bool operator==(const Name& other) const { return view() == other.view(); }

  constexpr auto operator<=>(const Name& other) const { return view() <=> other.view(); }

 private:
  std::array<char, kMax> text_{};
  std::uint8_t length_ = 0;
};

using RoomName = Name<64>;
using UserName = Name<64>;
using StreamName = Name<96>;

}  // namespace sluice

template <std::size_t N>
struct std::hash<sluice::Name<N>> {
  std::size_t operator()(const sluice::Name<N>& name) const noexcept {
    return std::hash<std::string_view>{}(name.view());
  }
};
