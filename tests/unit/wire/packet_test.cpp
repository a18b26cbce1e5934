#include "proto/wire/packet.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

constexpr auto kUp = Direction::kToRelay;
constexpr auto kDown = Direction::kFromRelay;

/// What classify() says to a datagram of `bytes` bytes that begins with `first`.
Result<PacketType> gate(unsigned first, std::size_t bytes, Direction direction) {
  std::vector<std::byte> datagram(bytes);
  if (bytes > 0) datagram[0] = std::byte(first);
  return classify(datagram, direction);
}

// P-WIRE-01, P-WIRE-02
TEST(PacketGate, TakesEachTypeAtItsExactLengthsOnly) {
  struct Case {
    unsigned first;
    Direction direction;
    std::size_t bytes_min, bytes_max;
    PacketType type;
  };

  for (const Case& c :
       {Case{0x01, kUp, 1232, 1232, PacketType::kInit},
        Case{0x02, kDown, 64, 64, PacketType::kCookie},
        Case{0x03, kDown, 68, 1232, PacketType::kAccept},
        Case{0x04, kDown, 23, 23, PacketType::kReset}, Case{0x40, kUp, 27, 1232, PacketType::kData},
        Case{0x41, kUp, 27, 1232, PacketType::kData},
        Case{0x40, kDown, 21, 1232, PacketType::kData},
        Case{0x41, kDown, 21, 1232, PacketType::kData}}) {
    SCOPED_TRACE(c.first);
    EXPECT_EQ(gate(c.first, c.bytes_min - 1, c.direction).error(), DropReason::kRunt);
    EXPECT_EQ(gate(c.first, 1, c.direction).error(), DropReason::kRunt);
    EXPECT_EQ(gate(c.first, c.bytes_min, c.direction).value(), c.type);
    EXPECT_EQ(gate(c.first, c.bytes_max, c.direction).value(), c.type);
    EXPECT_EQ(gate(c.first, c.bytes_max + 1, c.direction).error(), DropReason::kOversize);
  }
}

// P-WIRE-02
TEST(PacketGate, RefusesAllOtherFirstBytesAndTheWrongWay) {
  EXPECT_EQ(gate(0, 0, kUp).error(), DropReason::kRunt);
  for (unsigned first = 0; first < 256; ++first) {
    const bool data = first == 0x40 || first == 0x41;
    for (const std::size_t bytes : {1U, 23U, 64U, 1232U}) {
      if (!data && first != 0x01) {
        EXPECT_EQ(gate(first, bytes, kUp).error(), DropReason::kUnknownType) << first;
      }
      if (!data && (first < 0x02 || first > 0x04)) {
        EXPECT_EQ(gate(first, bytes, kDown).error(), DropReason::kUnknownType) << first;
      }
    }
  }
}

// P-DATA-01
TEST(DataHeader, RoundTripsInBothDirectionsAtTheEdgesOfItsFields) {
  for (const Direction direction : {kUp, kDown}) {
    for (const std::uint32_t number : {0U, 1U, 0x800000U, 0xFFFFFFU}) {
      for (const std::uint8_t phase : {std::uint8_t{0}, std::uint8_t{1}}) {
        const DataHeader header{.key_phase = phase,
                                .connection = ConnectionId{direction == kUp ? 0xFEDCBA987654U : 0},
                                .number_low = number};
        std::vector<std::byte> datagram(data_overhead_bytes(direction) + 1);
        write_data_header(header, direction, datagram);
        EXPECT_EQ(classify(datagram, direction).value(), PacketType::kData);
        EXPECT_EQ(read_data_header(datagram, direction), header);
      }
    }
  }
}

TEST(DataHeader, HasTheBytesOfTheSpecification) {
  std::array<std::byte, 10> up{};
  write_data_header({1, ConnectionId{0x010203040506}, 0x0A0B0C}, kUp, up);
  const std::array<std::uint8_t, 10> expected{0x41, 1, 2, 3, 4, 5, 6, 0x0A, 0x0B, 0x0C};
  for (std::size_t i = 0; i < up.size(); ++i) EXPECT_EQ(to_u8(up[i]), expected[i]);
}

// P-RESET-01, P-RESET-02
TEST(Reset, RoundTripsAndIsNoLargerThanTheSmallestDataItAnswers) {
  Reset reset{ConnectionId{0xA1B2C3D4E5F6}, {}};
  reset.token[0] = std::byte{1};
  reset.token[15] = std::byte{0xFF};
  const auto datagram = write_reset(reset);
  EXPECT_EQ(classify(datagram, kDown).value(), PacketType::kReset);
  EXPECT_EQ(read_reset(datagram).connection, reset.connection);
  EXPECT_EQ(read_reset(datagram).token, reset.token);
  EXPECT_LT(datagram.size(), data_overhead_bytes(kUp) + 1);
}

// P-WIRE-03
TEST(HeaderBudget, HoldsInAFullPart) {
  EXPECT_LE(data_overhead_bytes(kDown) + kMediaHeaderBytes, 32U);
  EXPECT_LE(data_overhead_bytes(kUp) + kMediaHeaderBytes, 38U);
  EXPECT_LE(kPartPlaintextBytesMax, plaintext_bytes_max(kUp));
}

// P-WIRE-04
TEST(ConnectionId, GivesBackItsFieldsUnderTheSameMaskAtEveryEdge) {
  for (const std::uint64_t mask : {0ULL, 0x123456789AULL, 0xFFFFFFFFFFULL, ~0ULL}) {
    for (const ConnectionFields& fields :
         {ConnectionFields{0, 0, 0, 1}, ConnectionFields{7, 31, 0xFFFFF, 0xFFFFF},
          ConnectionFields{1, 0, 0, 0}, ConnectionFields{0, 1, 0x80000, 0x80000}}) {
      const ConnectionId id = make_connection_id(fields, mask);
      EXPECT_EQ(connection_fields(id, mask), fields);
      EXPECT_LT(static_cast<std::uint64_t>(id), 1ULL << 48U);
      // The kernel's filter reads the worker from the first byte, mask or no mask.
      EXPECT_EQ(static_cast<std::uint64_t>(id) >> 40U & 31U, fields.worker);
    }
  }
}

TEST(ConnectionId, ShowsNeitherSlotNorRandomBitsWithoutTheMask) {
  const ConnectionId id = make_connection_id({2, 3, 5, 7}, 0x5A5A5A5A5A);
  EXPECT_NE(connection_fields(id, 0).slot, 5U);
  EXPECT_NE(connection_fields(id, 0).random, 7U);
}

}  // namespace
}  // namespace sluice::wire
