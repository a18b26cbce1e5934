#include "proto/flv/tag.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::flv {
namespace {

using Octets = std::vector<std::byte>;
using Reason = ReadError::Reason;

struct Kept {
  RtmpType type;
  std::uint32_t timestamp_ms;
  Octets body;
  std::uint64_t offset;

  bool operator==(const Kept&) const = default;
};

struct Outcome {
  std::vector<Kept> tags;
  std::optional<ReadError> error;
};

Outcome read(Bytes input, std::size_t step) {
  Outcome outcome;
  TagReader reader;
  for (std::size_t at = 0; at < input.size(); at += step) {
    reader.feed(input.subspan(at, std::min(step, input.size() - at)));
    while (const auto tag = reader.next()) {
      if (!*tag) break;
      outcome.tags.push_back({(*tag)->type,
                              (*tag)->timestamp_ms,
                              {(*tag)->body.begin(), (*tag)->body.end()},
                              (*tag)->offset});
    }
  }
  if (const Status<ReadError> end = reader.end(); !end) outcome.error = end.error();
  return outcome;
}

Octets with_header(bool audio = true, bool video = true) {
  const auto header = file_header(audio, video);
  return {header.begin(), header.end()};
}

/// A file with a tag at each edge of the timestamp, and a large body.
Octets example() {
  Octets file = with_header();
  append_tag(RtmpType::kData, 0, as_bytes("meta"), file);
  append_tag(RtmpType::kVideo, 0xFFFFFF, Octets(70000, std::byte{1}), file);
  append_tag(RtmpType::kAudio, 0x1000000, {}, file);
  append_tag(RtmpType::kVideo, 0xFFFFFFFF, as_bytes("x"), file);
  return file;
}

TEST(TagReader, GivesWhatWasWrittenInWhateverPiecesItComes) {
  const Octets file = example();
  const Outcome whole = read(file, file.size());
  ASSERT_EQ(whole.tags.size(), 4U);
  EXPECT_FALSE(whole.error);
  EXPECT_EQ(whole.tags[0].offset, 13U);
  EXPECT_EQ(whole.tags[1].timestamp_ms, 0xFFFFFFU);
  EXPECT_EQ(whole.tags[1].body.size(), 70000U);
  EXPECT_EQ(whole.tags[2].timestamp_ms, 0x1000000U);
  EXPECT_TRUE(whole.tags[2].body.empty());
  EXPECT_EQ(whole.tags[3].timestamp_ms, 0xFFFFFFFFU);
  EXPECT_EQ(whole.tags[3].type, RtmpType::kVideo);
  for (const std::size_t step : {1U, 2U, 3U, 11U, 4096U})
    EXPECT_EQ(read(file, step).tags, whole.tags) << step;
}

TEST(TagReader, CallsAnInputCutAnywhereTruncatedAndNamesTheTag) {
  Octets file = with_header();
  append_tag(RtmpType::kVideo, 0, as_bytes("first"), file);
  const std::size_t second = file.size();
  append_tag(RtmpType::kVideo, 0, as_bytes("second"), file);
  for (std::size_t length = 0; length < file.size(); ++length) {
    const Outcome outcome = read(Bytes{file}.first(length), 5);
    SCOPED_TRACE(length);
    if (length == 13 || length == second) {  // between tags is a good end
      EXPECT_FALSE(outcome.error);
      continue;
    }
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->reason, length < 3 ? Reason::kNotFlv : Reason::kTruncated);
    EXPECT_EQ(outcome.error->offset, length < 3 ? 0 : length);
    if (length > second) {
      EXPECT_EQ(outcome.error->message, "the input ends at offset " + std::to_string(length) +
                                            ", inside the tag at offset " + std::to_string(second));
    }
  }
}

TEST(TagReader, NamesOffsetAndExpectationOfWhatIsWrong) {
  const auto changed = [](std::size_t offset, std::initializer_list<unsigned> bytes) {
    Octets file = with_header();
    append_tag(RtmpType::kVideo, 0, as_bytes("abc"), file);  // at 13, its size at 27
    append_tag(RtmpType::kVideo, 0, as_bytes("abc"), file);
    for (const unsigned b : bytes) file[offset++] = std::byte(b);
    return file;
  };

  struct Case {
    Octets file;
    Reason reason;
    std::uint64_t offset;
    std::string message;
    std::size_t tags;
  };

  for (const Case& c : std::vector<Case>{
           {changed(0, {0, 0, 0x18}), Reason::kNotFlv, 0,
            "no FLV header at offset 0: expected 46 4c 56, found 00 00 18", 0},
           {changed(3, {2}), Reason::kNotFlv, 3,
            "FLV header at offset 3: expected version 1, found 2", 0},
           {changed(8, {8}), Reason::kNotFlv, 5,
            "FLV header at offset 5: expected a header size of 9, found 8", 0},
           {changed(7, {4, 1}), Reason::kNotFlv, 5,
            "FLV header at offset 5: expected a header size of 9, found 1025", 0},
           {changed(12, {1}), Reason::kBadTag, 9,
            "expected size 0 of the tag before the first at offset 9, found 1", 0},
           {changed(13, {7}), Reason::kBadTag, 13,
            "tag at offset 13: expected type 8, 9 or 18, found 7", 0},
           {changed(31, {0x49}), Reason::kBadTag, 31,
            "tag at offset 31: expected type 8, 9 or 18, found 73", 1},
           {changed(13, {0x29}), Reason::kBadTag, 13,
            "tag at offset 13: it is encrypted, which is not carried", 0},
           {changed(27, {0, 0, 0, 3}), Reason::kBadTag, 27,
            "tag at offset 13: expected its size 14 behind it at offset 27, found 3", 0},
           {changed(14, {0x20, 0, 1}), Reason::kBadTag, 13,
            "tag at offset 13: a body of 2097153 bytes, the largest carried is 2097152", 0},
       }) {
    for (const std::size_t step : {std::size_t{1}, c.file.size()}) {
      const Outcome outcome = read(c.file, step);
      SCOPED_TRACE(c.message);
      ASSERT_TRUE(outcome.error);
      EXPECT_EQ(outcome.error->reason, c.reason);
      EXPECT_EQ(outcome.error->offset, c.offset);
      EXPECT_EQ(outcome.error->message, c.message);
      EXPECT_EQ(outcome.tags.size(), c.tags);
    }
  }
}

TEST(TagReader, TakesTheLargestBodyALongHeaderAndAnyStreamId) {
  Octets file = with_header();
  append_tag(RtmpType::kVideo, 7, Octets(kMediaFrameBytesMax), file);
  EXPECT_EQ(read(file, 65536).tags.at(0).body.size(), kMediaFrameBytesMax);

  Octets longer = with_header();
  longer[8] = std::byte{12};
  longer.insert(longer.begin() + 9, 3, std::byte{0xAA});
  append_tag(RtmpType::kAudio, 7, as_bytes("a"), longer);
  longer[longer.size() - 4 - 1 - 1] = std::byte{9};  // stream id
  for (const std::size_t step : {std::size_t{1}, longer.size()}) {
    const Outcome outcome = read(longer, step);
    ASSERT_EQ(outcome.tags.size(), 1U);
    EXPECT_EQ(outcome.tags[0].offset, 16U);
  }
}

TEST(TagReader, ReturnsItsErrorAgain) {
  TagReader reader;
  reader.feed(as_bytes("RIFF"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(reader.next()->error().reason, Reason::kNotFlv);
  reader.feed(with_header());
  EXPECT_EQ(reader.next()->error().reason, Reason::kNotFlv);
  EXPECT_EQ(reader.end().error().reason, Reason::kNotFlv);
}

TEST(FileHeader, PromisesWhatItWasMadeFor) {
  for (const bool audio : {false, true}) {
    for (const bool video : {false, true}) {
      TagReader reader;
      reader.feed(file_header(audio, video));
      EXPECT_FALSE(reader.next());
      EXPECT_EQ(reader.promises_audio(), audio);
      EXPECT_EQ(reader.promises_video(), video);
      EXPECT_TRUE(reader.end());
    }
  }
}

TEST(Tag, HasTheBytesOfTheFormat) {
  Octets out;
  append_tag(RtmpType::kAudio, 0x04010203, as_bytes("ab"), out);
  const std::vector<std::uint8_t> expected{8, 0, 0, 2, 1, 2, 3, 4, 0, 0, 0, 'a', 'b', 0, 0, 0, 13};
  ASSERT_EQ(out.size(), expected.size());
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(to_u8(out[i]), expected[i]) << i;
}

TEST(Metadata, IsAnAmf0EcmaArrayOfNumbers) {
  Octets out;
  const MetadataNumber numbers[] = {{"width", 1280}};
  append_metadata_body(numbers, out);
  using namespace std::string_literals;
  EXPECT_EQ(as_text(out), "\2\0\x0AonMetaData\x08\0\0\0\1\0\5width\0\x40\x94\0\0\0\0\0\0\0\0\x09"s);
}

}  // namespace
}  // namespace sluice::flv
