// proto/crypto/aead: sealing and opening in place, by suite and size of the plaintext. Steady
// state: a context that has sealed before, packets in the first-level cache, a new number each
// time.
#include <algorithm>
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/keys.h"

namespace sluice::bench {
namespace {

using crypto::Aead;
using crypto::Suite;

constexpr std::size_t kHeader = kDataHeaderFromRelayBytes;

crypto::PacketKeys sample_keys(Suite suite) {
  SeededRandom random{7};
  return crypto::derive_packet_keys(crypto::TrafficSecret::random(random.source()), suite);
}

std::size_t packet_bytes(const benchmark::State& state) {
  return kHeader + static_cast<std::size_t>(state.range(0)) + kTagBytes;
}

/// `count` packets back to back, as they lie in a send arena.
std::vector<crypto::SealJob> jobs_in(MutableBytes memory, std::size_t count) {
  const std::size_t bytes = memory.size() / count;
  std::vector<crypto::SealJob> jobs;
  for (std::size_t i = 0; i < count; ++i) {
    jobs.push_back({{i}, memory.subspan(i * bytes, bytes), kHeader});
  }
  return jobs;
}

void seal(benchmark::State& state, Suite suite, std::size_t run) {
  Aead aead{suite, sample_keys(suite), Aead::Direction::kSeal};
  std::vector<std::byte> memory = sample_bytes(run * packet_bytes(state));
  const std::vector<std::byte> before = memory;
  std::vector<crypto::SealJob> jobs = jobs_in(memory, run);
  for (auto _ : state) {
    for (crypto::SealJob& job : jobs) job.packet_number.value += run;
    aead.seal_run(jobs);
    benchmark::ClobberMemory();
  }
  CHECK(memory != before);
  count_packets(state, run, run * static_cast<std::size_t>(state.range(0)));
}

// Opening spoils a packet, so 16 are laid out afresh between the timed stretches.
void open(benchmark::State& state, Suite suite) {
  constexpr std::size_t kPackets = 16;
  Aead sealer{suite, sample_keys(suite), Aead::Direction::kSeal};
  Aead opener{suite, sample_keys(suite), Aead::Direction::kOpen};
  std::vector<std::byte> sealed = sample_bytes(kPackets * packet_bytes(state));
  const std::vector<crypto::SealJob> jobs = jobs_in(sealed, kPackets);
  sealer.seal_run(jobs);
  std::vector<std::byte> memory(sealed.size());
  const std::vector<crypto::SealJob> places = jobs_in(memory, kPackets);
  Stopwatch watch;
  for (auto _ : state) {
    std::copy(sealed.begin(), sealed.end(), memory.begin());
    watch.start();
    for (const crypto::SealJob& place : places) {
      const auto opened = opener.open({place.packet_number, place.packet, place.header_bytes});
      CHECK(opened.has_value());
      benchmark::DoNotOptimize(opened->data());
    }
    benchmark::ClobberMemory();
    watch.stop();
    watch.record(state);
  }
  count_packets(state, kPackets, kPackets * static_cast<std::size_t>(state.range(0)));
}

// A datagram that nobody with the key sent: what garbage on the port costs.
void refuse(benchmark::State& state, Suite suite) {
  Aead opener{suite, sample_keys(suite), Aead::Direction::kOpen};
  std::vector<std::byte> packet = sample_bytes(packet_bytes(state));
  PacketNumber number{};
  for (auto _ : state) {
    number.value += 1;
    CHECK(!opener.open({number, packet, kHeader}));
  }
  count_packets(state, 1, static_cast<std::size_t>(state.range(0)));
}

BENCHMARK_CAPTURE(seal, aes_128_gcm, Suite::kAes128Gcm, 1)
    ->Name("aead/seal/aes_128_gcm")
    ->Arg(200)
    ->Arg(1200);
BENCHMARK_CAPTURE(seal, aes_256_gcm, Suite::kAes256Gcm, 1)
    ->Name("aead/seal/aes_256_gcm")
    ->Arg(200)
    ->Arg(1200);
BENCHMARK_CAPTURE(seal, chacha20_poly1305, Suite::kChaCha20Poly1305, 1)
    ->Name("aead/seal/chacha20_poly1305")
    ->Arg(200)
    ->Arg(1200);
BENCHMARK_CAPTURE(seal, aes_128_gcm_run, Suite::kAes128Gcm, 8)
    ->Name("aead/seal_run_of_8/aes_128_gcm")
    ->Arg(200)
    ->Arg(1200);
BENCHMARK_CAPTURE(open, aes_128_gcm, Suite::kAes128Gcm)
    ->Name("aead/open/aes_128_gcm")
    ->Arg(200)
    ->Arg(1200)
    ->UseManualTime();
BENCHMARK_CAPTURE(open, aes_256_gcm, Suite::kAes256Gcm)
    ->Name("aead/open/aes_256_gcm")
    ->Arg(200)
    ->Arg(1200)
    ->UseManualTime();
BENCHMARK_CAPTURE(open, chacha20_poly1305, Suite::kChaCha20Poly1305)
    ->Name("aead/open/chacha20_poly1305")
    ->Arg(200)
    ->Arg(1200)
    ->UseManualTime();
BENCHMARK_CAPTURE(refuse, aes_128_gcm, Suite::kAes128Gcm)
    ->Name("aead/refuse/aes_128_gcm")
    ->Arg(1200);

}  // namespace
}  // namespace sluice::bench
