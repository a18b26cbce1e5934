#include "proto/base/bytes.h"

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Reader, FailsForGoodAtTheFirstShortRead) {
  const std::array raw{std::byte{1}, std::byte{2}, std::byte{3}};
  Reader reader{raw};
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "a failed reader gives nothing more";
  EXPECT_FALSE(reader.finished());
}

TEST(Reader, ReadsBackWhatTheWriterWrote) {
  std::array<std::byte, 64> buffer{};
  Writer writer{buffer};
  writer.u8(0xAB);
  writer.u16(0x1234);
  writer.u24(0x56789A);
  writer.u32(0xDEADBEEF);
  writer.u48(0x0102030405060);
  writer.u64(UINT64_MAX - 1);
  writer.bytes(as_bytes("media"));
  ASSERT_TRUE(writer.ok());
  Reader reader{writer.written()};
  EXPECT_EQ(reader.u8(), 0xAB);
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_EQ(reader.u24(), 0x56789AU);
  EXPECT_EQ(reader.u32(), 0xDEADBEEFU);
  EXPECT_EQ(reader.u48(), 0x0102030405060U & 0xFFFFFFFFFFFFU);
  EXPECT_EQ(reader.u64(), UINT64_MAX - 1);
  EXPECT_EQ(as_text(reader.bytes(5)), "media");
  EXPECT_TRUE(reader.finished());
}

TEST(BigEndian, PutsTheHighestByteFirstAtEveryWidth) {
  std::array<std::byte, 8> raw{};
  store_be<8>(raw.data(), 0x0102030405060708U);
  for (std::size_t i = 0; i < raw.size(); ++i) EXPECT_EQ(to_u8(raw[i]), i + 1);
  EXPECT_EQ(load_be<1>(raw.data()), 0x01U);
  EXPECT_EQ(load_be<2>(raw.data()), 0x0102U);
  EXPECT_EQ(load_be<3>(raw.data()), 0x010203U);
  EXPECT_EQ(load_be<4>(raw.data()), 0x01020304U);
  EXPECT_EQ(load_be<6>(raw.data()), 0x010203040506U);
  EXPECT_EQ(load_be<8>(raw.data()), 0x0102030405060708U);
  store_be<3>(raw.data(), 0xFFA0B0C0U);  // the low 24 bits, and no byte beyond
  EXPECT_EQ(load_be<4>(raw.data()), 0xA0B0C004U);
}

TEST(Varint, KeepsEveryEdgeAndRefusesOverflow) {
  for (const std::uint64_t v : {0ULL, 1ULL, 127ULL, 128ULL, 16383ULL, 16384ULL, 1ULL << 32U,
                                1ULL << 63U, static_cast<unsigned long long>(UINT64_MAX)}) {
    std::array<std::byte, 10> buffer{};
    Writer writer{buffer};
    writer.varint(v);
    Reader reader{writer.written()};
    EXPECT_EQ(reader.varint(), v);
    EXPECT_TRUE(reader.finished());
  }
  std::array<std::byte, 11> endless{};
  endless.fill(std::byte{0xFF});
  Reader reader{endless};
  reader.varint();
  EXPECT_FALSE(reader.ok());
}

TEST(Varint, CarriesSignsByZigzag) {
  for (const std::int64_t v :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, INT64_MIN, INT64_MAX}) {
    std::array<std::byte, 10> buffer{};
    Writer writer{buffer};
    writer.zigzag(v);
    Reader reader{writer.written()};
    EXPECT_EQ(reader.zigzag(), v);
  }
}

TEST(Writer, StopsAtItsEndAndSaysSo) {
  std::array<std::byte, 3> buffer{};
  Writer writer{buffer};
  writer.u16(1);
  writer.u16(2);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2U);
  writer.u8(1);
  EXPECT_EQ(writer.remaining(), 0U);
}

}  // namespace
}  // namespace sluice
