// GopKeeper: copies of the frames that a pusher sent since the last key frame. A relay that was
// restarted knows nothing of the stream: with these first, its viewers have the picture at once,
// and not at the source's next key frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "client/flv_demuxer.h"

namespace sluice::client {

/// The longest GOP that is kept, and that a viewer takes for the one it knows the beginning of. A
/// source that began from its start is told from it by lying further back.
inline constexpr std::int32_t kGopMaxMs = 20'000;

class GopKeeper {
 public:
  /// A GOP of 10 s at 6 Mbit/s. Half loses streams with long GOPs; what is larger is not kept.
  static constexpr std::size_t kBytesMax = 8U << 20U;

  /// Of several renditions each is kept from its own key frame on. Sound alone is not kept: any of
  /// it can be heard by itself.
  void add(const SourceFrame& frame);

  std::size_t size() const { return kept_.size(); }

  /// Views live until the next add().
  SourceFrame at(std::size_t index) const;

 private:
  struct Kept {
    SourceFrame frame;  // without its views
    std::vector<std::byte> config, body;
  };

  void forget_front();

  std::deque<Kept> kept_;
  std::uint64_t first_ = 0;                              // number of kept_.front()
  std::vector<std::optional<std::uint64_t>> last_keys_;  // of each rendition seen
  std::size_t bytes_ = 0;
};

}  // namespace sluice::client
