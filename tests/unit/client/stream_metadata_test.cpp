#include "client/stream_metadata.h"

#include <string>

#include <gtest/gtest.h>

#include "proto/flv/tag.h"

namespace sluice::client {
namespace {

using namespace std::string_literals;

const std::string kEvent = "\2\0\x0AonMetaData"s;
const std::string kEnd = "\0\0\x09"s;
const std::string kWidth = "\0\5width\0\x40\x9E\0\0\0\0\0\0"s;  // 1920
const std::string kDuration =
    "\0\x08"
    "duration\0\x40\x24\0\0\0\0\0\0"s;  // 10
const std::string kEncoder = "\0\7encoder\2\0\3obs"s;
const std::string kStereo = "\0\6stereo\1\1"s;

std::string cut(const std::string& body) {
  return std::string{as_text(stream_metadata(as_bytes(body)))};
}

std::string array(int count, const std::string& properties) {
  return kEvent + "\x08\0\0\0"s + static_cast<char>(count) + properties + kEnd;
}

std::string object(const std::string& properties) { return kEvent + "\3" + properties + kEnd; }

TEST(StreamMetadata, KeepsWhatDescribesTheStream) {
  const std::string index = "\0\x09keyframes\3\0\5times\x0A\0\0\0\1\0\0\0\0\0\0\0\0\0"s + kEnd;
  const std::string kept = array(3, kWidth + kEncoder + kStereo);

  const struct {
    const char* what;
    std::string body;
    std::string expected;
  } table[] = {
      {"an array", array(3, kWidth + kEncoder + kStereo), kept},
      {"an object", object(kWidth + kEncoder + kStereo), kept},
      {"a wrong count", array(77, kWidth + kEncoder + kStereo), kept},
      {"as RTMP sends it", "\2\0\x0D@setDataFrame"s + array(3, kWidth + kEncoder + kStereo), kept},
      {"what is of the file", array(4, kDuration + kWidth + kEncoder + kStereo), kept},
      {"an index", array(4, kWidth + index + kEncoder + kStereo), kept},
      {"dates, nulls, long strings",
       object("\0\1d\x0B\0\0\0\0\0\0\0\0\0\0"s + kWidth + "\0\1n\5\0\1u\6"s + kEncoder +
              "\0\1l\x0C\0\0\0\1x"s + kStereo),
       kept},
      {"twice cut", kept, kept},
      {"nothing but the file", array(1, kDuration), ""},
      {"nothing", array(0, ""), ""},
  };

  for (const auto& row : table) EXPECT_EQ(cut(row.body), row.expected) << row.what;
}

TEST(StreamMetadata, WhatCannotBeReadEndsIt) {
  const std::string whole = object(kWidth + kEncoder);
  const std::string first = array(1, kWidth);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string got = cut(whole.substr(0, size));
    const std::size_t one = kEvent.size() + 1 + kWidth.size();
    const std::size_t both = one + kEncoder.size();
    EXPECT_EQ(got, size < one ? "" : size < both ? first : array(2, kWidth + kEncoder)) << size;
  }
  EXPECT_EQ(cut(object(kWidth + "\0\1x\x11"s + kEncoder)), first);  // AMF3: not told how long
  std::string deep = kWidth;
  for (int i = 0; i < 1000; ++i) deep += "\0\1o\3"s;
  EXPECT_EQ(cut(object(deep)), first);
}

TEST(StreamMetadata, OtherMessagesAreNone) {
  EXPECT_EQ(cut(""), "");
  EXPECT_EQ(cut("\2\0\7onClock\3\0\0\x09"s), "");
  EXPECT_EQ(cut(kEvent + kWidth), "");
  EXPECT_EQ(cut("\2\0\x0D@setDataFrame"s), "");
}

TEST(StreamMetadata, IsBounded) {
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "\0\4k"s + std::to_string(100 + i) + "\2\0\x10................"s;
  const auto got = stream_metadata(as_bytes(object(many + kWidth)));
  EXPECT_LE(got.size(), kStreamMetadataBytesMax);
  EXPECT_GT(got.size(), kStreamMetadataBytesMax - 40);
}

}  // namespace
}  // namespace sluice::client
