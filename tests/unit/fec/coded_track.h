// A track whose parts are made and then lost on purpose: the ring of the sending end, which has all
// of them, and that of the receiving end, into which the test puts what arrives.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "proto/base/packet_ring.h"
#include "proto/fec/encoder.h"
#include "proto/fec/repair_solver.h"
#include "proto/wire/fragment.h"
#include "sim/xoshiro.h"

namespace sluice::fec {

/// Multiplication as the polynomial says it, without a table.
constexpr std::uint8_t slow_multiply(unsigned a, unsigned b) {
  unsigned product = 0;
  for (unsigned bit = 0x80; bit != 0; bit >>= 1U) {
    product <<= 1U;
    if ((product & 0x100U) != 0) product ^= 0x11DU;
    if ((b & bit) != 0) product ^= a;
  }
  return static_cast<std::uint8_t>(product);
}

inline std::vector<std::byte> random_bytes(sim::Xoshiro& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  random.source()(bytes);
  return bytes;
}

/// A repair with bytes of its own, as the sender made it.
struct SentRepair {
  Repair view() const { return {{first, span, bitmap}, seed, coded}; }

  Seq first{};
  std::uint16_t span = 0;
  std::uint16_t seed = 0;
  std::vector<std::byte> bitmap{};
  std::vector<std::byte> coded{};
};

class CodedTrack {
 public:
  static constexpr TrackId kSentTrack{7};
  static constexpr TrackId kReceivedTrack{9};

  explicit CodedTrack(Seq first) : first_(first), fragmenter_(kSentTrack, first) {}

  /// Adds the parts of one media frame to the sender's ring.
  void add_frame(sim::Xoshiro& random, std::size_t unit_bytes, bool keyframe = false) {
    const std::vector<std::byte> body = random_bytes(random, unit_bytes - wire::kUnitBytesMin);
    wire::MediaFrame frame;
    frame.keyframe = keyframe;
    frame.timestamp_ms = timestamp_ms_ += 33;
    frame.body = body;
    const auto written = fragmenter_.write(frame, [&](const wire::MediaHeader& header, Bytes part) {
      ASSERT_EQ(sent.insert(header.seq, part, first_), PacketRing::Insert::kStored);
    });
    ASSERT_TRUE(written.has_value());
  }

  Seq first() const { return first_; }

  Seq next() const { return fragmenter_.next_seq(); }

  std::uint32_t parts() const { return static_cast<std::uint32_t>(next().distance_from(first_)); }

  /// The part as the receiving end has it: its own track number, else the same.
  std::vector<std::byte> as_received(Seq seq) const {
    const Bytes part = sent.find(seq);
    std::vector<std::byte> copy(part.begin(), part.end());
    copy[kRingTrackOffset] = static_cast<std::byte>(kReceivedTrack);
    return copy;
  }

  void arrive(Seq seq) { received.insert(seq, as_received(seq), first_); }

  SentRepair repair(Seq first, std::size_t span, std::uint16_t seed,
                    std::vector<std::byte> bitmap = {}) const {
    SentRepair repair{first, static_cast<std::uint16_t>(span), seed, std::move(bitmap), {}};
    std::array<std::byte, kCodedBytesMax> buffer{};
    const auto coded = encode_repair(sent, repair.view().window, seed, buffer);
    EXPECT_TRUE(coded.has_value());
    if (coded) repair.coded.assign(coded.value().begin(), coded.value().end());
    return repair;
  }

  PacketRing sent;
  PacketRing received;

 private:
  Seq first_;
  wire::Fragmenter fragmenter_;
  std::uint32_t timestamp_ms_ = 1000;
};

}  // namespace sluice::fec
