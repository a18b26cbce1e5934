#include "proto/wire/frame.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/wire/packet.h"

namespace sluice::wire {
namespace {

using Octets = std::vector<std::byte>;

Octets octets(std::initializer_list<unsigned> values) {
  Octets out;
  for (const unsigned v : values) out.push_back(std::byte(v));
  return out;
}

Octets typed(unsigned type, const Octets& body) {
  Octets out = octets(
      {type, static_cast<unsigned>(body.size() >> 8U), static_cast<unsigned>(body.size() & 0xFFU)});
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Octets ring_part(std::size_t body_bytes, std::uint16_t index = 0, std::uint16_t count = 1) {
  Octets part(kMediaHeaderBytes + body_bytes, std::byte{0x5A});
  encode_media_header({.track = TrackId{3}, .seq = Seq{100}, .index = index, .count = count},
                      std::span(part).first<kMediaHeaderBytes>());
  return part;
}

/// What a reader makes of a packet: the indices of the frame types found, or the error that ended
/// it.
struct Walk {
  std::vector<std::size_t> kinds;
  std::optional<DropReason> error;
};

Walk walk(const Octets& plaintext) {
  Walk result;
  FrameReader reader(plaintext);
  while (const auto frame = reader.next()) {
    if (!*frame) {
      result.error = frame->error();
      EXPECT_FALSE(reader.next());
      break;
    }
    result.kinds.push_back((**frame).index());
  }
  return result;
}

template <class T>
T only(const Octets& plaintext) {
  FrameReader reader(plaintext);
  const auto frame = reader.next();
  EXPECT_TRUE(frame && *frame && std::holds_alternative<T>(**frame));
  EXPECT_FALSE(reader.next());
  return std::get<T>(**frame);
}

// P-FRAME-01
TEST(FrameReader, RefusesEachLengthThatContradictsItsType) {
  const Octets big(kPartBytesMax + kCodedFieldsBytes + 1);
  const Octets repair = octets({1, 0, 0, 5, 15, 0, 9, 0});

  struct Case {
    const char* what;
    Octets plaintext;
  };

  for (const Case& c : {
           Case{"an empty packet", {}},
           Case{"no length", octets({2})},
           Case{"half a length", octets({2, 0})},
           Case{"a length beyond the end", octets({2, 0, 1})},
           Case{"PING with a body", typed(2, octets({0}))},
           Case{"KEY_REQUEST without a track", typed(4, {})},
           Case{"KEY_REQUEST with two", typed(4, octets({1, 2}))},
           Case{"SKIP cut", typed(5, octets({1, 0, 0, 1, 0, 0}))},
           Case{"SKIP with more", typed(5, octets({1, 0, 0, 1, 0, 0, 2, 0}))},
           Case{"SKIP backwards", typed(5, octets({1, 0, 0, 2, 0, 0, 1}))},
           Case{"REPAIR cut in its header", typed(6, octets({1, 0, 0, 5, 15, 0, 9}))},
           Case{"REPAIR without coded bytes", typed(6, repair)},
           Case{"REPAIR with coded fields only", typed(6, repair + Octets(kCodedFieldsBytes))},
           Case{"REPAIR of an oversized part", typed(6, repair + big)},
           Case{"REPAIR with an unknown flag",
                typed(6, octets({1, 0, 0, 5, 15, 0, 9, 2}) + Octets(20))},
           Case{"REPAIR with a bitmap for too long a span",
                typed(6, octets({1, 0, 0, 5, 80, 0, 9, 1}) + Octets(40))},
           Case{"CLOSE without a code", typed(0x47, {})},
           Case{"CLOSE with a long reason", typed(0x47, Octets(1 + kCloseReasonBytesMax + 1))},
           Case{"PATH_CHALLENGE cut", typed(0x48, Octets(7))},
           Case{"PATH_CHALLENGE with more", typed(0x48, Octets(9))},
           Case{"PATH_RESPONSE cut", typed(0x49, Octets(7))},
           Case{"CONTROL without bytes", typed(0x4A, Octets(5))},
           Case{"CONTROL cut", typed(0x4A, Octets(4))},
           Case{"CONTROL of a third stream", typed(0x4A, octets({2, 0, 0, 0, 0, 1}))},
           Case{"half a MEDIA header", octets({0x80, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0})},
           Case{"MEDIA without a body", ring_part(0)},
           Case{"MEDIA index at its count", ring_part(10, 1, 1)},
           Case{"MEDIA of no parts", ring_part(10, 0, 0)},
           Case{"MEDIA with half a length flag",
                octets({0x81, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0})},
           Case{"MEDIA with a length beyond the end",
                octets({0x81, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 2, 7})},
           Case{"MEDIA with length 0",
                octets({0x81, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}) + typed(2, {})},
       }) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(walk(c.plaintext).error, DropReason::kMalformed);
    EXPECT_TRUE(walk(c.plaintext).kinds.empty());
  }
  EXPECT_EQ(walk(ring_part(kPartBytesMax + 1)).error, DropReason::kFrameTooLarge);
  EXPECT_FALSE(walk(ring_part(kPartBytesMax)).error);
}

// P-FRAME-01
TEST(FrameReader, EndsAtPaddingAndKeepsWhatCameBeforeAnError) {
  EXPECT_TRUE(walk(octets({0})).kinds.empty());
  EXPECT_FALSE(walk(octets({0})).error);
  EXPECT_EQ(walk(typed(2, {}) + octets({0, 0xFF, 0xFF})).kinds.size(), 1U);
  const Walk broken = walk(typed(2, {}) + typed(4, octets({1})) + typed(4, {}) + typed(2, {}));
  EXPECT_EQ(broken.kinds.size(), 2U);
  EXPECT_EQ(broken.error, DropReason::kMalformed);
}

// P-FRAME-02
TEST(FrameReader, NamesUnknownFramesAndTellsTheCriticalOnes) {
  for (const unsigned type : {0x03U, 0x07U, 0x3FU, 0x40U, 0x46U, 0x4BU, 0x7FU}) {
    const auto frame = only<UnknownFrame>(typed(type, octets({1, 2, 3})));
    EXPECT_EQ(frame.type, type);
    EXPECT_EQ(frame.critical(), (type & 0x40U) != 0);
  }
}

// P-FRAME-01, P-REPAIR-01
TEST(FrameWriter, WritesWhatTheReaderReads) {
  Octets memory(plaintext_bytes_max(Direction::kToRelay));
  FrameWriter writer(memory);
  PathToken token{};
  token[7] = std::byte{9};
  const Octets coded(kCodedFieldsBytes + 1, std::byte{1}), bitmap(2, std::byte{0xFF});
  Feedback feedback;
  feedback.add_range({{5}, {9}});
  ASSERT_TRUE(writer.append(Ping{}) && writer.append(KeyRequest{TrackId{4}}));
  ASSERT_TRUE(writer.append(Skip{TrackId{5}, Seq{0xFFFFFF}, Seq{1}}));
  ASSERT_TRUE(writer.append(RepairView{TrackId{6}, Seq{8}, 16, 0xBEEF, bitmap, coded}));
  ASSERT_TRUE(writer.append(RepairView{TrackId{6}, Seq{8}, 256, 1, {}, coded}));
  ASSERT_TRUE(writer.append(Close{CloseCode::kTooSlow, "why"}));
  ASSERT_TRUE(writer.append(PathChallenge{token}) && writer.append(PathResponse{token}));
  ASSERT_TRUE(writer.append(ControlView{ControlStream::kApplication, 0xFFFFFFFF, as_bytes("abc")}));
  ASSERT_TRUE(writer.append(feedback));
  ASSERT_TRUE(writer.append_bundled_part(ring_part(3), TrackId{200}));
  ASSERT_TRUE(writer.append_final_part(ring_part(4), TrackId{201}));

  FrameReader reader(writer.written());
  const auto next = [&] { return **reader.next(); };
  EXPECT_TRUE(std::holds_alternative<Ping>(next()));
  EXPECT_EQ(std::get<KeyRequest>(next()).track, TrackId{4});
  const auto skip = std::get<Skip>(next());
  EXPECT_EQ(skip.first, Seq{0xFFFFFF});
  EXPECT_EQ(skip.last, Seq{1});
  const auto repair = std::get<RepairView>(next());
  EXPECT_EQ(repair.span, 16);
  EXPECT_EQ(repair.seed, 0xBEEF);
  EXPECT_TRUE(same(repair.bitmap, bitmap) && same(repair.coded, coded));
  const auto wide = std::get<RepairView>(next());
  EXPECT_EQ(wide.span, 256);
  EXPECT_TRUE(wide.bitmap.empty() && same(wide.coded, coded));
  const auto close = std::get<Close>(next());
  EXPECT_EQ(close.code, CloseCode::kTooSlow);
  EXPECT_EQ(close.reason, "why");
  EXPECT_EQ(std::get<PathChallenge>(next()).token, token);
  EXPECT_EQ(std::get<PathResponse>(next()).token, token);
  const auto control = std::get<ControlView>(next());
  EXPECT_EQ(control.stream, ControlStream::kApplication);
  EXPECT_EQ(control.offset, 0xFFFFFFFFU);
  EXPECT_EQ(as_text(control.bytes), "abc");
  EXPECT_EQ(decode_feedback(std::get<FeedbackView>(next()).body)->highest().value, 9U);
  const auto bundled = std::get<MediaView>(next());
  EXPECT_EQ(bundled.header.track, TrackId{200});
  EXPECT_EQ(bundled.body.size(), 3U);
  const auto final_part = std::get<MediaView>(next());
  EXPECT_EQ(final_part.header.track, TrackId{201});
  EXPECT_EQ(final_part.body.size(), 4U);
  EXPECT_FALSE(reader.next());
}

// P-MEDIA-02, P-MEDIA-07
TEST(FrameWriter, GivesEveryPartBackInItsRingFormButForTheTrack) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{2}, kPartBytesMax}) {
    Octets expected = ring_part(bytes);
    expected[kMediaTrackOffset] = std::byte{9};
    Octets memory(plaintext_bytes_max(Direction::kToRelay)), scratch(kPartPlaintextBytesMax);
    for (const bool bundled : {false, true}) {
      FrameWriter writer(memory);
      ASSERT_TRUE(bundled ? writer.append_bundled_part(ring_part(bytes), TrackId{9})
                          : writer.append_final_part(ring_part(bytes), TrackId{9}));
      const Octets packet(writer.written().begin(), writer.written().end());
      const auto part = only<MediaView>(packet);
      EXPECT_EQ(part.whole.empty(), bundled);
      EXPECT_TRUE(same(ring_form(part, scratch), expected));
    }
  }
}

TEST(FrameWriter, AppendsAllOrNothingAtTheLastByte) {
  const Octets part = ring_part(20);
  for (const bool fits : {false, true}) {
    Octets memory(part.size() + kMediaLengthBytes - (fits ? 0 : 1));
    FrameWriter writer(memory);
    EXPECT_EQ(writer.append_bundled_part(part, TrackId{1}), fits);
    EXPECT_EQ(writer.empty(), !fits);
    EXPECT_EQ(writer.remaining(), fits ? 0 : memory.size());
  }
  Octets memory(10);
  FrameWriter writer(memory);
  EXPECT_EQ(writer.control_room(), 2U);
  EXPECT_FALSE(writer.append(ControlView{ControlStream::kRoom, 0, as_bytes("abc")}));
  EXPECT_TRUE(writer.append(ControlView{ControlStream::kRoom, 0, as_bytes("ab")}));
  EXPECT_EQ(writer.control_room(), 0U);
  EXPECT_FALSE(writer.append(Ping{}));
}

TEST(FrameWriter, TakesNothingBehindAFinalPart) {
  Octets memory(100);
  FrameWriter writer(memory);
  ASSERT_TRUE(writer.append_final_part(ring_part(5), TrackId{1}));
  EXPECT_FALSE(writer.append(Ping{}));
  EXPECT_FALSE(writer.append_bundled_part(ring_part(5), TrackId{1}));
  EXPECT_EQ(writer.remaining(), 0U);
}

TEST(FrameWriter, CutsALongCloseReason) {
  Octets memory(300);
  FrameWriter writer(memory);
  const std::string reason(kCloseReasonBytesMax + 1, 'x');
  ASSERT_TRUE(writer.append(Close{CloseCode::kDone, reason}));
  EXPECT_EQ(only<Close>(Octets(writer.written().begin(), writer.written().end())).reason.size(),
            kCloseReasonBytesMax);
}

TEST(RingPart, IsRefusedWithTheLengthFlagOrWithoutTheMediaBit) {
  Octets part = ring_part(4);
  EXPECT_TRUE(read_ring_part(part).has_value());
  part[0] |= std::byte{kMediaLengthBit};
  EXPECT_EQ(read_ring_part(part).error(), DropReason::kMalformed);
  part[0] = std::byte{0x02};
  EXPECT_EQ(read_ring_part(part).error(), DropReason::kMalformed);
  EXPECT_EQ(read_ring_part(Octets(kMediaHeaderBytes - 1, std::byte{0x80})).error(),
            DropReason::kMalformed);
  EXPECT_EQ(read_ring_part({}).error(), DropReason::kMalformed);
}

TEST(CloseCode, HasANameForEachCodeAndForThoseToCome) {
  EXPECT_EQ(close_code_name(CloseCode::kDone), "done");
  EXPECT_EQ(close_code_name(CloseCode::kKeyLimit), "key_limit");
  EXPECT_EQ(close_code_name(CloseCode{11}), "unknown");
}

}  // namespace
}  // namespace sluice::wire
