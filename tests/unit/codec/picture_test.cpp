#include "proto/codec/picture.h"

#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::codec {
namespace {

using Buffer = std::vector<std::byte>;

Buffer bytes_of(std::initializer_list<unsigned> values) {
  Buffer bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// A payload of NAL units with lengths of four bytes.
Buffer nals(std::initializer_list<std::initializer_list<unsigned>> units) {
  Buffer payload;
  for (const auto& unit : units) {
    const Buffer nal = bytes_of(unit);
    payload.resize(payload.size() + 4);
    store_be<4>(payload.data() + payload.size() - 4, nal.size());
    payload.insert(payload.end(), nal.begin(), nal.end());
  }
  return payload;
}

struct Case {
  const char* name;
  Buffer payload;
  bool discardable;
  unsigned layer;
};

void expect_pictures(PictureReader reader, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const Picture picture = reader.read(c.payload);
    EXPECT_EQ(picture.discardable, c.discardable) << c.name;
    EXPECT_EQ(picture.layer, c.layer) << c.name;
  }
}

TEST(AvcPicture, IsDiscardableWhenNoSliceIsAReference) {
  expect_pictures(PictureReader{FourCC::kAvc},
                  {
                      {"a reference slice", nals({{0x41, 0x9A}}), false, 0},
                      {"no reference", nals({{0x01, 0x9A}}), true, 0},
                      {"two slices of none", nals({{0x01, 0x9A}, {0x01, 0x9B}}), true, 0},
                      {"one slice of two", nals({{0x01, 0x9A}, {0x21, 0x9B}}), false, 0},
                      {"with a message before it", nals({{0x06, 5, 1}, {0x01, 0x9A}}), true, 0},
                      {"a message alone", nals({{0x06, 5, 1}}), false, 0},
                      {"IDR", nals({{0x65, 0x88}}), false, 0},
                      {"nothing", {}, false, 0},
                  });
}

// ITU-T H.264 G.7.3.1.1: temporal_id is the top three bits of the prefix unit's fourth byte.
TEST(AvcPicture, ItsLayerIsInThePrefixUnit) {
  const auto prefix = [](unsigned nal, unsigned temporal_id) {
    return nals({{nal | 14U, 0x80, 0x00, temporal_id << 5U | 7U}, {nal | 1U, 0x9A}});
  };
  expect_pictures(
      PictureReader{FourCC::kAvc},
      {
          {"base", prefix(0x60, 0), false, 0},
          {"middle", prefix(0x40, 1), false, 1},
          {"top", prefix(0x00, 2), true, 2},
          {"beyond what MEDIA can name", prefix(0x00, 7), true, 3},
          {"of another extension", nals({{0x4E, 0x00, 0x00, 0xFF}, {0x41, 0x9A}}), false, 0},
          {"cut prefix", nals({{0x4E, 0x80, 0x00}, {0x41, 0x9A}}), false, 0},
      });
}

TEST(AvcPicture, LengthsThatLeadBeyondItSayNothing) {
  Buffer beyond = nals({{0x01, 0x9A}});
  beyond[3] = std::byte{3};
  Buffer behind = nals({{0x01, 0x9A}});
  behind.push_back(std::byte{0});
  expect_pictures(PictureReader{FourCC::kAvc},
                  {{"beyond", beyond, false, 0}, {"bytes left", behind, false, 0}});
}

TEST(AvcPicture, TheRecordSaysHowLongLengthsAre) {
  PictureReader reader{FourCC::kAvc};
  reader.configure(bytes_of({1, 0x64, 0, 31, 0xFD}));  // two bytes
  EXPECT_TRUE(reader.read(bytes_of({0, 2, 0x01, 0x9A})).discardable);
  EXPECT_FALSE(PictureReader{FourCC::kAvc}.read(bytes_of({0, 2, 0x01, 0x9A})).discardable);
  reader.configure(bytes_of({1, 0x64}));  // cut: nothing changes
  EXPECT_TRUE(reader.read(bytes_of({0, 2, 0x01, 0x9A})).discardable);
}

Buffer hevc_record(unsigned layers) {
  Buffer record(22);
  record[21] = static_cast<std::byte>(layers << 3U | 3U);
  return record;
}

// ITU-T H.265 table 7-1: 0 is TRAIL_N, 1 is TRAIL_R, 2 is TSA_N.
TEST(HevcPicture, IsDiscardableInTheHighestSubLayerAlone) {
  PictureReader reader{FourCC::kHevc};
  reader.configure(hevc_record(2));
  expect_pictures(reader, {
                              {"TRAIL_R", nals({{0x02, 0x01, 0xAA}}), false, 0},
                              {"TRAIL_N of the base", nals({{0x00, 0x01, 0xAA}}), false, 0},
                              {"TSA_N of the top", nals({{0x04, 0x02, 0xAA}}), true, 1},
                              {"TSA_R of the top", nals({{0x06, 0x02, 0xAA}}), false, 1},
                              {"RASL_N of the top", nals({{0x10, 0x02, 0xAA}}), true, 1},
                              {"IDR", nals({{0x26, 0x01, 0xAA}}), false, 0},
                              {"parameter sets alone", nals({{0x42, 0x01, 0xAA}}), false, 0},
                              {"temporal id missing", nals({{0x00, 0x00, 0xAA}}), false, 0},
                              {"a unit of one byte", nals({{0x00}}), false, 0},
                          });
}

TEST(HevcPicture, NothingIsDiscardableWhileTheLayersAreNotKnown) {
  expect_pictures(PictureReader{FourCC::kHevc},
                  {{"TRAIL_N", nals({{0x00, 0x01, 0xAA}}), false, 0}});
}

// 10 profile 00, show_existing 0, frame type, shown, error resilient: VP9 6.2.
TEST(Vp9Picture, IsDiscardableWhenItRefreshesNothingAndIsErrorResilient) {
  const Buffer discardable = bytes_of({0x87, 0x00, 0x11}), reference = bytes_of({0x87, 0x01, 0x11});
  const auto superframe = [](const Buffer& a, const Buffer& b) {
    Buffer both = a;
    both.insert(both.end(), b.begin(), b.end());
    for (const unsigned byte : {0xC1U, 3U, 3U, 0xC1U}) both.push_back(std::byte(byte));
    return both;
  };
  expect_pictures(PictureReader{FourCC::kVp9},
                  {
                      {"key", bytes_of({0x83, 0x49, 0x83, 0x42}), false, 0},
                      {"refreshes nothing", discardable, true, 0},
                      {"refreshes a reference", reference, false, 0},
                      {"hands its state on", bytes_of({0x86, 0x00, 0x11}), false, 0},
                      {"hidden", bytes_of({0x85, 0x00, 0x11}), true, 0},
                      {"no frame marker", bytes_of({0x47, 0x00, 0x11}), false, 0},
                      {"shown again", bytes_of({0x88}), true, 0},
                      {"two of none", superframe(discardable, discardable), true, 0},
                      {"one of two", superframe(discardable, reference), false, 0},
                      {"cut", bytes_of({0x87}), false, 0},
                      {"nothing", {}, false, 0},
                  });
}

/// The sequence header of a real encoder (SVT-AV1 1.4, 320x180), with order hints of 7 bits.
Buffer av1_sequence() {
  return bytes_of({0x0A, 11, 0x00, 0x00, 0x00, 0x04, 0x3C, 0xFE, 0xCC, 0xFB, 0xF9, 0x00, 0x40});
}

/// Frames of the same encoder, cut behind their first 9 bytes.
Buffer av1_leaf() {
  return bytes_of({0x12, 0, 0x32, 9, 0x32, 0x03, 0x00, 0x0D, 0xB6, 0xB6, 0x91, 0x23, 0x00});
}

Buffer av1_reference() {
  return bytes_of({0x12, 0, 0x32, 9, 0x29, 0x03, 0x04, 0x05, 0xB6, 0xB6, 0xC8, 0x90, 0x60});
}

TEST(Av1Picture, IsDiscardableWhenNoFrameRefreshesAReference) {
  PictureReader reader{FourCC::kAv1};
  EXPECT_FALSE(reader.read(av1_leaf()).discardable) << "before any sequence header";
  Buffer record = bytes_of({0x81, 0x00, 0x0C, 0x00});
  const Buffer sequence = av1_sequence();
  record.insert(record.end(), sequence.begin(), sequence.end());
  reader.configure(record);
  Buffer both = av1_leaf();
  const Buffer reference = av1_reference();
  both.insert(both.end(), reference.begin(), reference.end());
  Buffer key = sequence;
  for (const unsigned byte : {0x32U, 2U, 0x10U, 0x00U}) key.push_back(std::byte(byte));
  expect_pictures(reader, {
                              {"leaf", av1_leaf(), true, 0},
                              {"reference", reference, false, 0},
                              {"leaf and reference", both, false, 0},
                              {"shown again", bytes_of({0x12, 0, 0x1A, 1, 0xE8}), false, 0},
                              {"key", key, false, 0},
                              {"delimiter alone", bytes_of({0x12, 0}), false, 0},
                              {"size beyond it", bytes_of({0x12, 0, 0x32, 9, 0x32}), false, 0},
                              {"size without end", bytes_of({0x32, 0x80, 0x80}), false, 0},
                          });
}

TEST(Av1Picture, ItsLayerIsInTheExtension) {
  PictureReader reader{FourCC::kAv1};
  static_cast<void>(reader.read(av1_sequence()));
  // Bit 2 of the header: an extension follows, its top three bits are the temporal id.
  EXPECT_EQ(reader.read(bytes_of({0x36, 0x40, 2, 0x32, 0x03})).layer, 2);
  EXPECT_EQ(reader.read(bytes_of({0x36})).layer, 0);
}

TEST(Picture, OtherCodecsSayNothing) {
  PictureReader reader{FourCC::kAac};
  reader.configure(bytes_of({0x12, 0x10}));
  EXPECT_FALSE(reader.read(bytes_of({0x01})).discardable);
}

}  // namespace
}  // namespace sluice::codec
