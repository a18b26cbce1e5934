#include "relay/allocation/allocate.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "proto/base/check.h"

namespace sluice::relay {
namespace {

class Allocation {
 public:
  Allocation(std::uint64_t bits_per_s, std::span<const Wish> wishes, std::span<Grant> grants)
      : left_(bits_per_s), wishes_(wishes), grants_(grants) {
    for (std::size_t i = 0; i < wishes.size(); ++i) order_[i] = static_cast<std::uint16_t>(i);
    const auto rank = [wishes](std::uint16_t i) {
      return std::tuple{wishes[i].standing, wishes[i].priority, -int{i}};
    };
    std::sort(order_.begin(), order_end(),
              [rank](std::uint16_t a, std::uint16_t b) { return rank(a) > rank(b); });
  }

  void audio() {
    for (const std::uint16_t i : order()) {
      const std::uint64_t bits = wishes_[i].audio_bits_per_s;
      grants_[i].audio = bits > 0 && take(bits);
    }
  }

  void best_of_the_first() {
    for (const std::uint16_t i : order()) {
      if (wishes_[i].standing == Standing::kOther) return;
      while (raise(i)) {
      }
    }
  }

  void smallest_of_everybody() {
    for (const std::uint16_t i : order()) {
      if (!grants_[i].video) raise(i);
    }
  }

  void a_step_for_each_in_turn() {
    for (bool raised = true; raised;) {
      raised = false;
      for (const std::uint16_t i : order()) {
        if (grants_[i].video) raised = raise(i) || raised;
      }
    }
  }

  std::uint64_t spent() const { return spent_; }

 private:
  std::span<const std::uint16_t> order() const { return {order_.data(), wishes_.size()}; }

  std::array<std::uint16_t, kWishesMax>::iterator order_end() {
    return order_.begin() + static_cast<std::ptrdiff_t>(wishes_.size());
  }

  bool take(std::uint64_t bits_per_s) {
    if (bits_per_s > left_) return false;
    left_ -= bits_per_s;
    spent_ += bits_per_s;
    return true;
  }

  /// To the next choice of its video, when there is one and it fits.
  bool raise(std::uint16_t i) {
    const std::span<const std::uint64_t> choices = wishes_[i].video;
    const std::size_t next = grants_[i].video ? *grants_[i].video + 1U : 0U;
    if (next >= choices.size()) return false;
    const std::uint64_t now = next > 0 ? choices[next - 1] : 0;
    if (!take(choices[next] > now ? choices[next] - now : 0)) return false;
    grants_[i].video = static_cast<std::uint8_t>(next);
    return true;
  }

  std::uint64_t left_;
  std::uint64_t spent_ = 0;
  std::span<const Wish> wishes_;
  std::span<Grant> grants_;
  std::array<std::uint16_t, kWishesMax> order_;
};

}  // namespace

std::uint64_t allocate(std::uint64_t bits_per_s, std::span<const Wish> wishes,
                       std::span<Grant> grants) {
  CHECK(wishes.size() == grants.size() && wishes.size() <= kWishesMax);
  std::fill(grants.begin(), grants.end(), Grant{});
  Allocation allocation(bits_per_s, wishes, grants);
  allocation.audio();
  allocation.best_of_the_first();
  allocation.smallest_of_everybody();
  allocation.a_step_for_each_in_turn();
  return allocation.spent();
}

}  // namespace sluice::relay
