#include "client/gop_keeper.h"

#include <algorithm>

namespace sluice::client {

void GopKeeper::add(const SourceFrame& frame) {
  const bool is_key = frame.type == RtmpType::kVideo && frame.keyframe;
  const std::uint64_t number = first_ + kept_.size();
  if (is_key) {
    if (last_keys_.size() <= frame.rendition) last_keys_.resize(std::size_t{frame.rendition} + 1);
    last_keys_[frame.rendition] = number;
    std::uint64_t oldest = number;
    for (const auto& key : last_keys_) oldest = std::min(oldest, key.value_or(number));
    while (first_ < oldest && !kept_.empty()) forget_front();
  } else if (kept_.empty()) {
    return;  // nothing to start with
  }
  kept_.push_back(
      {frame, {frame.config.begin(), frame.config.end()}, {frame.body.begin(), frame.body.end()}});
  bytes_ += frame.config.size() + frame.body.size();
  const auto span =
      static_cast<std::int32_t>(frame.timestamp_ms - kept_.front().frame.timestamp_ms);
  if (bytes_ <= kBytesMax && span < kGopMaxMs) return;
  while (!kept_.empty()) forget_front();
  last_keys_.clear();
}

void GopKeeper::forget_front() {
  bytes_ -= kept_.front().config.size() + kept_.front().body.size();
  kept_.pop_front();
  ++first_;
}

SourceFrame GopKeeper::at(std::size_t index) const {
  const Kept& kept = kept_[index];
  SourceFrame frame = kept.frame;
  frame.config = kept.config;
  frame.body = kept.body;
  return frame;
}

}  // namespace sluice::client
