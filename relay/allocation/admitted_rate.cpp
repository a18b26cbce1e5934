#include "relay/allocation/admitted_rate.h"

#include <algorithm>

namespace sluice::relay {

std::uint64_t AdmittedRate::update(Instant now, std::uint64_t path_bits_per_s,
                                   std::uint64_t spent_bits_per_s) {
  if (path_bits_per_s < spent_bits_per_s) {
    fall(now, path_bits_per_s);
    return admitted_;
  }
  if (hold_ > kUpHold && now - forgiven_at_ >= kUpForgive) {
    hold_ = std::max(hold_ / 2, kUpHold);
    forgiven_at_ = now;
  }
  const std::uint64_t safe = path_bits_per_s * 100 / kUpMarginPercent;
  if (safe <= admitted_) {
    proving_since_ = kNever;
    return admitted_;
  }
  if (proving_since_ == kNever) {
    proving_since_ = now;
    proved_ = safe;
  }
  proved_ = std::min(proved_, safe);
  if (now - proving_since_ >= hold_) {
    admitted_ = proved_;
    proving_since_ = kNever;
  }
  return admitted_;
}

void AdmittedRate::fall(Instant now, std::uint64_t path_bits_per_s) {
  if (now - risen_at_ < kRiseTrial) hold_ = std::min(2 * hold_, kUpHoldMax);
  risen_at_ = kLongAgo;
  forgiven_at_ = now;
  proving_since_ = kNever;
  admitted_ = path_bits_per_s;
}

}  // namespace sluice::relay
