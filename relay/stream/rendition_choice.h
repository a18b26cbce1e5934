// RenditionChoice: which rendition of a picture one subscription is sent. The present one goes on
// until a key frame of the wanted one begins, so that a switch is never black; only a pause is at
// once. It decides about frames that have no verdict yet and knows nothing of links, tracks or
// bytes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::relay {

/// Place among the renditions of a stream: 0 is the best.
using Rendition = std::uint8_t;

class RenditionChoice {
 public:
  enum class Step : std::uint8_t {
    kSend,    // belongs to what is sent: its verdict decides
    kSwitch,  // a key frame to begin with: begin() when it could be announced
    kPass,    // of another rendition, or paused
  };

  /// Of one rendition alone nothing is to be chosen: it is sent from the start.
  explicit RenditionChoice(std::size_t renditions);

  /// What is to be sent from its next key frame on; nothing: paused at once.
  void want(std::optional<Rendition> rendition);

  /// About a frame that begins now. `dts`: 24 bits of the clock that all renditions share.
  Step judge(Rendition rendition, bool keyframe, std::uint32_t dts) const;

  /// This rendition is sent, from a key frame with this dts on.
  void begin(Rendition rendition, std::uint32_t dts);

  std::optional<Rendition> wanted() const { return wanted_; }

  std::optional<Rendition> current() const { return current_; }

  bool paused() const { return !wanted_; }

  /// Something else than what is wanted is sent, or nothing yet.
  bool switching() const { return wanted_ && current_ != wanted_; }

 private:
  std::optional<Rendition> wanted_, current_;
  // Its frames from before the switch are still due: they may have been lost on the way here.
  std::optional<Rendition> previous_;
  std::uint32_t switched_at_dts_ = 0;
};

}  // namespace sluice::relay
