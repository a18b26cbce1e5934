// proto/wire/fragment: a media frame into parts, in the pusher, and back, in the subscriber. Steady
// state: a delta frame that depends on the one before, its body in the first- or second-level
// cache.
#include <array>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/wire/fragment.h"
#include "proto/wire/frame.h"

namespace sluice::bench {
namespace {

wire::MediaFrame delta_frame(Bytes body, std::uint32_t timestamp_ms) {
  wire::MediaFrame frame;
  frame.timestamp_ms = timestamp_ms;
  frame.body = body;
  return frame;
}

void fragment(benchmark::State& state) {
  const std::vector<std::byte> body = sample_bytes(static_cast<std::size_t>(state.range(0)));
  wire::Fragmenter fragmenter{TrackId{1}};
  const auto ignore = [](const wire::MediaHeader&, Bytes) {};
  wire::MediaFrame key = delta_frame(body, 0);
  key.keyframe = true;
  CHECK(fragmenter.write(key, ignore).has_value());
  std::uint8_t dep = 0;
  std::size_t count = 0;
  std::uint32_t timestamp_ms = 0;
  for (auto _ : state) {
    const auto written = fragmenter.write(delta_frame(body, timestamp_ms += 33),
                                          [&](const wire::MediaHeader& header, Bytes part) {
                                            dep = header.dep;
                                            benchmark::DoNotOptimize(part.data());
                                            benchmark::ClobberMemory();
                                          });
    CHECK(written.has_value());
    count = written->count;
  }
  CHECK(dep == 1);  // on the last part of the frame before
  CHECK(count == wire::split_unit(body.size() + wire::kUnitBytesMin).count);
  count_packets(state, count, body.size());
}

void reassemble(benchmark::State& state) {
  const std::vector<std::byte> body = sample_bytes(static_cast<std::size_t>(state.range(0)));
  std::vector<std::vector<std::byte>> parts;
  wire::Fragmenter fragmenter{TrackId{1}};
  CHECK(fragmenter
            .write(delta_frame(body, 33),
                   [&](const wire::MediaHeader&, Bytes part) {
                     parts.emplace_back(part.begin(), part.end());
                   })
            .has_value());
  std::vector<std::byte> buffer(parts.size() * kPartBytesMax);
  for (auto _ : state) {
    wire::Reassembler reassembler{buffer};
    for (const auto& part : parts) {
      const auto view = wire::read_ring_part(part);
      CHECK(view && reassembler.add(*view));
    }
    const auto frame = reassembler.finish();
    CHECK(frame && frame->body.size() == body.size());
    benchmark::DoNotOptimize(frame->body.data());
    benchmark::ClobberMemory();
  }
  count_packets(state, parts.size(), body.size());
}

BENCHMARK(fragment)->Name("fragment/split")->Arg(7'000)->Arg(60'000);
BENCHMARK(reassemble)->Name("fragment/reassemble")->Arg(7'000)->Arg(60'000);

}  // namespace
}  // namespace sluice::bench
