// allocate: who gets how much of one link. Pure: the same wishes and rate give the same grants.
// In this order, each as far as the rate goes: sound of everybody; the pictures of pinned members
// and of the one who speaks, as good as they come; a smallest picture of everybody else; better
// ones, a step for each in turn. Within a step pinned go before speaking before others, then by
// the subscriber's own priority, then in the order given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "proto/base/limits.h"

namespace sluice::relay {

/// Wishes of one link: each has a track at least.
inline constexpr std::size_t kWishesMax = kTracksPerLinkMax;

enum class Standing : std::uint8_t { kOther, kSpeaking, kPinned };

/// What one subscription could use.
struct Wish {
  Standing standing = Standing::kOther;
  std::uint8_t priority = 0;           ///< higher goes first
  std::uint64_t audio_bits_per_s = 0;  ///< 0: no sound
  std::span<const std::uint64_t>
      video;  ///< bits/s of each choice in all, ascending; none: no video
};

struct Grant {
  bool audio = false;
  std::optional<std::uint8_t> video;  ///< index of the choice; nothing: paused, or none wanted

  bool operator==(const Grant&) const = default;
};

/// Fills `grants`, which is as long as `wishes`, at most kWishesMax. Returns the bits/s they cost.
std::uint64_t allocate(std::uint64_t bits_per_s, std::span<const Wish> wishes,
                       std::span<Grant> grants);

}  // namespace sluice::relay
