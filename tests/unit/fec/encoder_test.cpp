#include "proto/fec/encoder.h"

#include <gtest/gtest.h>

#include "proto/fec/coefficients.h"
#include "proto/wire/frame.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

/// P-REPAIR-01 written down once more: `body length u16 | type, index and count, dts, dep | body`.
std::vector<std::byte> symbol_of(Bytes ring_part) {
  const auto part = wire::read_ring_part(ring_part);
  std::vector<std::byte> symbol(2);
  store_be<2>(symbol.data(), part->body.size());
  symbol.push_back(ring_part[wire::kMediaTypeOffset]);
  for (std::size_t at = wire::kMediaIndexOffset; at <= wire::kMediaDepOffset; ++at)
    symbol.push_back(ring_part[at]);
  symbol.insert(symbol.end(), part->body.begin(), part->body.end());
  return symbol;
}

std::vector<std::byte> expected_coded(const CodedTrack& track, const RepairWindow& window,
                                      std::uint16_t seed) {
  std::vector<std::byte> coded;
  for (std::size_t i = 0; i < window.span; ++i) {
    if (!window.names(i)) continue;
    const Seq seq = window.first + static_cast<std::uint32_t>(i);
    const std::vector<std::byte> symbol = symbol_of(track.sent.find(seq));
    coded.resize(std::max(coded.size(), symbol.size()));
    for (std::size_t b = 0; b < symbol.size(); ++b)
      coded[b] ^= std::byte{slow_multiply(coefficient(seed, seq), to_u8(symbol[b]))};
  }
  return coded;
}

// P-REPAIR-01, P-REPAIR-02
TEST(EncodeRepair, SumsSymbolsTimesCoefficientsOverWindowsOfAllSizes) {
  for (const std::uint32_t first : {0U, 1U, 32767U, 65535U, Seq::kModulus - 100}) {
    sim::Xoshiro random{first + 1};
    CodedTrack track{Seq{first}};
    track.add_frame(random, 60 * kPartBytesMax, true);
    while (track.parts() < 300) track.add_frame(random, 6 + random.below(9000), random.chance(0.1));
    for (const std::size_t span : {1U, 2U, 3U, 4U, 5U, 16U, 17U, 40U, 80U, 81U, 200U, 255U, 256U}) {
      const Seq from = track.first() + static_cast<std::uint32_t>(random.below(300 - span));
      const auto seed = static_cast<std::uint16_t>(random.next());
      const SentRepair whole = track.repair(from, span, seed);
      EXPECT_EQ(whole.coded, expected_coded(track, whole.view().window, seed)) << span;
      if (span > 80) continue;
      std::vector<std::byte> bitmap = random_bytes(random, (span + 7) / 8);
      bitmap.back() &= std::byte{static_cast<std::uint8_t>(0xFFU >> (7U - (span - 1) % 8U))};
      bitmap.front() |= std::byte{1};
      const SentRepair some = track.repair(from, span, seed, bitmap);
      EXPECT_EQ(some.coded, expected_coded(track, some.view().window, seed)) << span;
    }
  }
}

TEST(EncodeRepair, CodesNothingWhenTheRingLacksAPartItNames) {
  sim::Xoshiro random{5};
  CodedTrack track{Seq{10}};
  track.add_frame(random, 5 * kPartBytesMax);
  std::array<std::byte, kCodedBytesMax> buffer{};
  const auto beyond = encode_repair(track.sent, {Seq{12}, 4, {}}, 1, buffer);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error(), DropReason::kOverwritten);
  const std::array<std::byte, 1> without_it{std::byte{0x07}};
  EXPECT_TRUE(encode_repair(track.sent, {Seq{12}, 4, without_it}, 1, buffer).has_value());
}

}  // namespace
}  // namespace sluice::fec
