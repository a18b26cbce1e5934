#include "bench/fanout/traffic.h"

#include <algorithm>
#include <cmath>

#include "proto/base/limits.h"
#include "proto/wire/fragment.h"

namespace sluice::bench {
namespace {

constexpr unsigned kPacedPackets = 7;
constexpr double kPacedFramesPerSecond = 30;

constexpr double kCallVideoPerSecond = 15, kCallAudioPerSecond = 50;
constexpr std::size_t kCallVideoBytes = 300'000 / 8 / 15;
constexpr std::size_t kCallAudioBytes = 80;  // Opus at 32 kbit/s

/// Messages a second that a small machine forwards and reads with ease, busy with other things too.
constexpr double kMessagesPerSecond = 5'000;

constexpr std::size_t kPacketOverhead = kDataHeaderFromRelayBytes + kTagBytes + kMediaHeaderBytes;

}  // namespace

Traffic::Traffic(Ingress ingress, unsigned subscribers, unsigned burst, double copies_per_s)
    : ingress_(ingress),
      subscribers_(subscribers),
      burst_(ingress == Ingress::kBurst ? burst : kPacedPackets),
      copies_per_s_(copies_per_s > 0 ? copies_per_s : kMessagesPerSecond * burst) {}

std::size_t Traffic::body_bytes(std::size_t flow) const {
  if (is_call()) return is_audio(flow) ? kCallAudioBytes : kCallVideoBytes;
  return burst_ * kPartBytesMax - wire::kUnitBytesMin;
}

unsigned Traffic::packets(std::size_t flow) const {
  return static_cast<unsigned>(wire::split_unit(body_bytes(flow) + wire::kUnitBytesMin).count);
}

std::size_t Traffic::sealed_bytes(std::size_t flow) const {
  return kPacketOverhead + wire::split_unit(body_bytes(flow) + wire::kUnitBytesMin).part_bytes;
}

double Traffic::frames_per_s(std::size_t flow) const {
  switch (ingress_) {
    case Ingress::kCall:
      return is_audio(flow) ? kCallAudioPerSecond : kCallVideoPerSecond;
    case Ingress::kPaced:
      return kPacedFramesPerSecond;
    case Ingress::kBurst:
      break;
  }
  return copies_per_s_ / subscribers_ / burst_;
}

double Traffic::copies_per_s() const {
  double sum = 0;
  for (std::size_t flow = 0; flow < flows(); ++flow) {
    sum += frames_per_s(flow) * packets(flow) * sinks_per_flow();
  }
  return sum;
}

std::vector<Traffic::Push> Traffic::window(double seconds) const {
  std::vector<Push> pushes;
  for (std::size_t flow = 0; flow < flows(); ++flow) {
    const double per_s = frames_per_s(flow);
    const auto frames = static_cast<std::uint64_t>(std::max(1.0, std::round(per_s * seconds)));
    // Members of calls began at different times: their frames are spread over a frame's length.
    const double phase = static_cast<double>(flow) / static_cast<double>(flows());
    for (std::uint64_t frame = 0; frame < frames; ++frame) {
      const double at_us = (static_cast<double>(frame) + phase) * 1e6 / per_s;
      pushes.push_back({Duration{static_cast<std::int64_t>(at_us)}, flow});
    }
  }
  std::stable_sort(pushes.begin(), pushes.end(),
                   [](const Push& a, const Push& b) { return a.at < b.at; });
  return pushes;
}

}  // namespace sluice::bench
