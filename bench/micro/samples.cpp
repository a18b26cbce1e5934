#include "bench/micro/samples.h"

#include <time.h>

#include <algorithm>
#include <array>

#include "proto/base/check.h"
#include "proto/wire/fragment.h"

namespace sluice::bench {

std::vector<std::vector<std::byte>> full_parts(std::size_t count) {
  const std::vector<std::byte> body = sample_bytes(count * kPartBytesMax - wire::kUnitBytesMin);
  wire::Fragmenter fragmenter{TrackId{1}};
  std::vector<std::vector<std::byte>> parts;
  wire::MediaFrame frame;
  frame.timestamp_ms = 1000;
  frame.body = body;
  const auto written = fragmenter.write(frame, [&](const wire::MediaHeader&, Bytes part) {
    CHECK(part.size() == kPartPlaintextBytesMax);
    parts.emplace_back(part.begin(), part.end());
  });
  CHECK(written.has_value() && parts.size() == count);
  return parts;
}

void renumber(MutableBytes ring_part, Seq seq) {
  store_be<3>(&ring_part[wire::kMediaSeqOffset], seq.value());
}

std::int64_t Stopwatch::thread_ns() {
  timespec now{};
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t Stopwatch::reading_ns() {
  static const std::int64_t kMedian = [] {
    std::array<std::int64_t, 1001> samples{};
    for (std::int64_t& sample : samples) {
      const std::int64_t before = thread_ns();
      sample = thread_ns() - before;
    }
    std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
    return samples[samples.size() / 2];
  }();
  return kMedian;
}

}  // namespace sluice::bench
