#include "proto/wire/media_header.h"

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

constexpr std::array<std::byte, kMediaHeaderBytes> encoded(const MediaHeader& header) {
  std::array<std::byte, kMediaHeaderBytes> bytes{};
  encode_media_header(header, bytes);
  return bytes;
}

constexpr MediaHeader kExample{.keyframe = true,
                               .config = true,
                               .layer = 2,
                               .track = TrackId{7},
                               .seq = Seq{0x010203},
                               .index = 0xABC,
                               .count = 0xDEF,
                               .dts = 0x040506,
                               .dep = 9};
static_assert(decode_media_header(encoded(kExample)) == kExample);

// P-MEDIA-01
TEST(MediaHeader, HasTheBytesOfTheSpecification) {
  const std::array<std::uint8_t, kMediaHeaderBytes> expected{
      0x80 | 0x40 | 0x10 | 0x08, 7, 1, 2, 3, 0xAB, 0xCD, 0xEF, 4, 5, 6, 9};
  for (std::size_t i = 0; i < kMediaHeaderBytes; ++i)
    EXPECT_EQ(to_u8(encoded(kExample)[i]), expected[i]) << i;
}

TEST(MediaHeader, EachFlagIsItsOwnBitAndNoneIsTheLengthFlag) {
  struct Case {
    MediaHeader header;
    std::uint8_t type;
  };

  for (const Case& c :
       {Case{{}, 0x80}, Case{{.keyframe = true}, 0xC0}, Case{{.discardable = true}, 0xA0},
        Case{{.config = true}, 0x90}, Case{{.layer = 3}, 0x8C}, Case{{.layer = 1}, 0x84},
        Case{{.last_short = true}, 0x82}}) {
    EXPECT_EQ(to_u8(encoded(c.header)[0]), c.type);
    EXPECT_EQ(decode_media_header(encoded(c.header)), c.header);
  }
}

TEST(MediaHeader, RoundTripsAtTheEdgesOfItsFields) {
  for (const std::uint32_t seq : {0U, 1U, 32767U, 32768U, 65535U, 0xFFFFFFU}) {
    for (const unsigned parts : {1U, 2U, 255U, 256U, 4095U}) {
      const auto count = static_cast<std::uint16_t>(parts);
      MediaHeader header{
          .seq = Seq{seq}, .index = static_cast<std::uint16_t>(count - 1), .count = count};
      header.dts = seq;
      header.dep = static_cast<std::uint8_t>(count);
      EXPECT_EQ(decode_media_header(encoded(header)), header);
      EXPECT_TRUE(header.is_last());
      EXPECT_EQ(header.last_seq(), header.seq);
      EXPECT_EQ(header.first_seq() + (count - 1U), header.seq);  // across the wrap, too
    }
  }
}

}  // namespace
}  // namespace sluice::wire
