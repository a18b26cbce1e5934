// What a member of a room, or who speaks for one, may do there; /v1's tokens and mutes are sets of
// these. What the relay enforces itself (push, pull) goes into its tickets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::rooms {

enum class MemberRight : std::uint8_t {
  kPush = 1,
  kPull = 2,
  kSay = 4,
  kModerate = 8,  // kick, ban, mute, lock, dissolve
  kCreate = 16,   // make rooms
  kOperate = 32,  // read the service's logs
};

class MemberRights {
 public:
  constexpr MemberRights() = default;

  constexpr explicit MemberRights(std::uint8_t bits) : bits_(bits) {}

  constexpr bool has(MemberRight right) const {
    return (bits_ & static_cast<std::uint8_t>(right)) != 0;
  }

  constexpr MemberRights with(MemberRight right) const {
    return MemberRights{static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(right))};
  }

  constexpr MemberRights without(MemberRights others) const {
    return MemberRights{static_cast<std::uint8_t>(bits_ & ~others.bits_)};
  }

  constexpr MemberRights without(MemberRight right) const {
    return without(MemberRights{}.with(right));
  }

  constexpr bool empty() const { return bits_ == 0; }

  constexpr std::uint8_t bits() const { return bits_; }

  constexpr bool operator==(const MemberRights&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

/// Push, pull, say: what can be taken from a member, and what everybody has who was not told else.
inline constexpr MemberRights kMemberRights{7};

struct NamedRight {
  MemberRight right;
  std::string_view name;
};

inline constexpr std::array<NamedRight, 6> kNamedRights{{{MemberRight::kPush, "push"},
                                                         {MemberRight::kPull, "pull"},
                                                         {MemberRight::kSay, "say"},
                                                         {MemberRight::kModerate, "moderate"},
                                                         {MemberRight::kCreate, "create"},
                                                         {MemberRight::kOperate, "operate"}}};

constexpr std::optional<MemberRight> parse_right(std::string_view name) {
  for (const NamedRight& named : kNamedRights) {
    if (named.name == name) return named.right;
  }
  return std::nullopt;
}

}  // namespace sluice::rooms
