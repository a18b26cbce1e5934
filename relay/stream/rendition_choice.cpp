#include "relay/stream/rendition_choice.h"

namespace sluice::relay {

namespace {

/// In 24 bits that wrap.
bool before(std::uint32_t dts, std::uint32_t other) { return ((dts - other) & 0x800000U) != 0; }

}  // namespace

RenditionChoice::RenditionChoice(std::size_t renditions) {
  if (renditions == 1) wanted_ = current_ = Rendition{0};
}

void RenditionChoice::want(std::optional<Rendition> rendition) {
  wanted_ = rendition;
  if (!rendition) current_ = previous_ = std::nullopt;
}

RenditionChoice::Step RenditionChoice::judge(Rendition rendition, bool keyframe,
                                             std::uint32_t dts) const {
  if (!wanted_) return Step::kPass;
  if (rendition == current_) return Step::kSend;
  // While there is nothing at all, a cheaper one than what is wanted is better.
  const bool stands_in = !current_ && rendition > *wanted_;
  if (keyframe && (rendition == *wanted_ || stands_in)) return Step::kSwitch;
  if (rendition == previous_ && before(dts, switched_at_dts_)) return Step::kSend;
  return Step::kPass;
}

void RenditionChoice::begin(Rendition rendition, std::uint32_t dts) {
  if (current_ != rendition) previous_ = current_;
  current_ = rendition;
  switched_at_dts_ = dts;
}

}  // namespace sluice::relay
