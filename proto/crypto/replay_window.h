// ReplayWindow: which packet numbers of one direction were seen (P-DATA-03), as the ring of RFC
// 6479: a bitmap of whole words, one word longer than the window, so that advancing clears words
// instead of shifting bits. check before decryption, mark after the tag verified; never the other
// way round, or forged packets would push true ones out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"

namespace sluice::crypto {

class ReplayWindow {
 public:
  /// kReplayed: at or below newest - kReplayWindowPackets, or marked before.
  Status<> check(PacketNumber number) const {
    if (!any_ || number.value > newest_) return Done{};
    if (newest_ - number.value >= kReplayWindowPackets) return Unexpected{DropReason::kReplayed};
    if ((words_[word_of(number.value)] & bit_of(number.value)) != 0) {
      return Unexpected{DropReason::kReplayed};
    }
    return Done{};
  }

  /// Only for numbers that check let through.
  void mark(PacketNumber number) {
    if (!any_ || number.value > newest_) advance(number.value);
    words_[word_of(number.value)] |= bit_of(number.value);
  }

  /// True when `number` would be the highest so far: what an address change needs (P-DATA-06).
  bool is_newest(PacketNumber number) const { return !any_ || number.value > newest_; }

 private:
  static constexpr std::uint64_t kWordBits = 64;
  static constexpr std::uint64_t kWords = kReplayWindowPackets / kWordBits + 1;
  static_assert(kReplayWindowPackets % kWordBits == 0);

  static std::size_t word_of(std::uint64_t number) { return number / kWordBits % kWords; }

  static std::uint64_t bit_of(std::uint64_t number) { return 1ULL << number % kWordBits; }

  void advance(std::uint64_t number) {
    const std::uint64_t steps = number / kWordBits - newest_ / kWordBits;
    for (std::uint64_t i = 1; i <= std::min(steps, kWords); ++i) {
      words_[(newest_ / kWordBits + i) % kWords] = 0;
    }
    newest_ = number;
    any_ = true;
  }

  std::array<std::uint64_t, kWords> words_{};
  std::uint64_t newest_ = 0;
  bool any_ = false;
};

}  // namespace sluice::crypto
