#include "proto/wire/feedback.h"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

using Octets = std::vector<std::byte>;

Octets encode(const Feedback& feedback) {
  Octets out(kFeedbackBytesMax);
  Writer writer(out);
  encode_feedback(feedback, writer);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), feedback_bytes(feedback));
  out.resize(writer.size());
  return out;
}

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void expect_equal(const Feedback& a, const Feedback& b) {
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.age, b.age);
  EXPECT_EQ(a.ce, b.ce);
  EXPECT_TRUE(same(a.ranges(), b.ranges()));
  EXPECT_TRUE(same(a.times(), b.times()));
  EXPECT_TRUE(same(a.reports(), b.reports()));
}

/// A feedback as bytes: highest, then the first length and each gap and length, as varints.
Octets raw(std::uint64_t highest, const std::vector<std::uint64_t>& varints, std::uint8_t times = 0,
           std::uint8_t reports = 0) {
  Octets out(600);
  Writer writer(out);
  writer.u16(1);
  writer.varint(highest);
  writer.varint(0);
  writer.u8(static_cast<std::uint8_t>(varints.size() / 2 | (times > 0 ? 0x40U : 0U)));
  for (std::size_t i = 0; i < varints.size(); ++i) {
    if (i % 2 == 1) writer.u8(0);  // a gap and a length that do not fit a byte
    writer.varint(varints[i]);
  }
  if (times > 0) writer.u8(times);
  for (unsigned i = 0; i < times; ++i) writer.zigzag(4);
  writer.zeros(std::size_t{5} * reports);
  out.resize(writer.size());
  return out;
}

/// Where the reports of an encoded feedback begin, and behind each of them: it may end there.
std::vector<std::size_t> ends_of(const Feedback& feedback) {
  Feedback without = feedback;
  without.report_count = 0;
  std::vector<std::size_t> ends{feedback_bytes(without)};
  for (const TrackReport& report : feedback.reports()) {
    ends.push_back(ends.back() + (report.has_times() ? 9U : 5U));
  }
  return ends;
}

// P-FEEDBACK-01, P-FEEDBACK-02, P-FEEDBACK-03
TEST(Feedback, RoundTripsWhateverAReceiverCanHaveSeen) {
  std::mt19937_64 random(7);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 2000; ++round) {
    Feedback feedback;
    feedback.number = static_cast<std::uint16_t>(random());
    feedback.age = kFeedbackAgeUnit * static_cast<std::int64_t>(below(1U << 24U));
    feedback.ce = static_cast<std::uint32_t>(below(2) * below(1U << 24U));
    std::uint64_t last = below(1ULL << (8 + below(41)));
    std::uint64_t packets = 0;
    for (std::uint64_t ranges = 1 + below(kAckRangesMax); ranges > 0; --ranges) {
      const std::uint64_t length = 1 + below(std::min<std::uint64_t>(last + 1, 1ULL << below(20)));
      feedback.add_range({{last - length + 1}, {last}});
      packets += length;
      if (last - length + 1 < 2) break;
      const std::uint64_t below_range = last - length + 1;
      const std::uint64_t gap =
          1 + below(std::min<std::uint64_t>(below_range - 1, 1ULL << below(20)));
      last = below_range - gap - 1;
    }
    for (std::uint64_t i = below(std::min<std::uint64_t>(packets, kReceiveTimesMax + 1)); i > 0;
         --i) {
      feedback.add_time(static_cast<std::int32_t>(random()) >> below(31));
    }
    for (std::uint64_t i = below(kTrackReportsMax + 1); i > 0; --i) {
      feedback.add_report({TrackId{static_cast<std::uint8_t>(random())},
                           Seq{static_cast<std::uint32_t>(random())},
                           static_cast<std::uint8_t>(below(kOpenEquationsMax + 1U)),
                           below(2) == 0 ? kNoMilliseconds : static_cast<std::uint16_t>(random()),
                           below(2) == 0 ? kNoMilliseconds : static_cast<std::uint16_t>(random())});
    }
    const Octets bytes = encode(feedback);
    const Result<Feedback> decoded = decode_feedback(bytes);
    ASSERT_TRUE(decoded) << "round " << round;
    expect_equal(*decoded, feedback);
    // Strict: no prefix of it but those that end with a report, and nothing behind it, is one.
    const std::vector<std::size_t> ends = ends_of(feedback);
    const std::size_t cut = below(bytes.size());
    EXPECT_EQ(decode_feedback(Bytes{bytes}.first(cut)).has_value(),
              std::find(ends.begin(), ends.end(), cut) != ends.end());
    Octets longer = bytes;
    longer.push_back({});
    EXPECT_FALSE(decode_feedback(longer));
  }
}

// P-FEEDBACK-01
TEST(Feedback, HasTheBytesOfTheSpecification) {
  Feedback feedback;
  feedback.number = 0x0102;
  feedback.age = Duration{16 * 200 + 15};  // truncated to 200 units
  feedback.ce = 6;
  feedback.add_range({{0x195}, {0x200}});  // length 108
  feedback.add_range({{0x180}, {0x192}});  // gap 2, length 19: 2 << 6 | 19
  feedback.add_range({{0x13D}, {0x17B}});  // gap 4, length 63: the gap behind
  feedback.add_range({{0xFC}, {0x13B}});   // gap 1, length 64: the length behind
  feedback.add_range({{0x38}, {0x78}});    // gap 131, length 65: both
  feedback.add_time(-1);
  feedback.add_time(64);
  feedback.add_report({TrackId{7}, Seq{8}, 9, 250, kNoMilliseconds});
  feedback.add_report({TrackId{6}, Seq{5}, 200, kNoMilliseconds, kNoMilliseconds});
  const std::vector<std::uint8_t> expected{
      1,    2,   0x80, 0x04, 0xC8, 1,                             // number, highest, age
      0x64, 108, 0x93, 63,   4,    0x40, 64,  0,    0x83, 1, 65,  // what, ranges
      2,    1,   0x80, 1,                                         // times
      0,    0,   6,                                               // marks
      7,    0,   0,    8,    0x89, 0,    250, 0xFF, 0xFF,         // a report with a time
      6,    0,   0,    5,    0x7F};                               // and one without
  const Octets bytes = encode(feedback);
  ASSERT_EQ(bytes.size(), expected.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(to_u8(bytes[i]), expected[i]) << i;
}

// P-FEEDBACK-05
TEST(Feedback, IsMalformedWhenItsRangesCannotBe) {
  struct Case {
    const char* what;
    Octets bytes;
    bool good;
  };

  std::vector<std::uint64_t> full{1};
  for (std::size_t i = 1; i < kAckRangesMax; ++i) full.insert(full.end(), {1, 1});
  Octets bit_of_no_meaning = raw(9, {1});
  bit_of_no_meaning[4] |= std::byte{0x80};
  for (const Case& c : {
           Case{"number 0 alone", raw(0, {1}), true},
           Case{"down to number 0", raw(9, {10}), true},
           Case{"below zero", raw(9, {11}), false},
           Case{"length 0", raw(9, {0}), false},
           Case{"gap 0", raw(9, {1, 0, 1}), false},
           Case{"second length 0", raw(9, {1, 1, 0}), false},
           Case{"second range down to 0", raw(9, {1, 1, 8}), true},
           Case{"second range below 0", raw(9, {1, 1, 9}), false},
           Case{"gap down to 0, range at 0", raw(9, {1, 8, 1}), true},
           Case{"gap past 0", raw(9, {1, 9, 1}), false},
           Case{"gap far past 0", raw(9, {1, ~0ULL, 1}), false},
           Case{"length that wraps", raw(9, {~0ULL}), false},
           Case{"the highest number there is", raw((1ULL << 48U) - 1, {1ULL << 48U}), true},
           Case{"32 ranges", raw(1000, full), true},
           Case{"a number beyond 48 bits", raw(1ULL << 48U, {1}), false},
           Case{"a bit of no meaning", bit_of_no_meaning, false},
           Case{"a time for each pair", raw(9, {3}, 2), true},
           Case{"a time too many", raw(9, {3}, 3), false},
           Case{"64 times", raw(99, {65}, kReceiveTimesMax), true},
           Case{"65 times", raw(99, {66}, kReceiveTimesMax + 1), false},
           Case{"16 reports", raw(9, {1}, 0, kTrackReportsMax), true},
           Case{"17 reports", raw(9, {1}, 0, kTrackReportsMax + 1), false},
           Case{"nothing", {}, false},
       }) {
    EXPECT_EQ(decode_feedback(c.bytes).has_value(), c.good) << c.what;
  }
}

TEST(Feedback, RefusesATimeBeyond32Bits) {
  for (const std::int64_t delta : {std::int64_t{1} << 31U, -(std::int64_t{1} << 31U) - 1}) {
    Octets out(100);
    Writer writer(out);
    writer.u16(1);
    writer.varint(9);
    writer.varint(0);
    writer.u8(0x40);
    writer.varint(2);
    writer.u8(1);
    writer.zigzag(delta);
    EXPECT_FALSE(decode_feedback(writer.written()));
  }
}

TEST(Feedback, KeepsWithinItsArraysAndSaysSo) {
  Feedback feedback;
  for (std::uint64_t i = 0; i < kAckRangesMax; ++i)
    EXPECT_TRUE(feedback.add_range({{1000 - 2 * i}, {1000 - 2 * i}}));
  EXPECT_FALSE(feedback.add_range({{1}, {1}}));
  for (std::size_t i = 0; i < kReceiveTimesMax; ++i) EXPECT_TRUE(feedback.add_time(1));
  EXPECT_FALSE(feedback.add_time(1));
  for (std::size_t i = 0; i < kTrackReportsMax; ++i) EXPECT_TRUE(feedback.add_report({}));
  EXPECT_FALSE(feedback.add_report({}));
  // Times beyond the 31 pairs of the 32 packets named are left out.
  EXPECT_EQ(decode_feedback(encode(feedback))->times().size(), kAckRangesMax - 1);
}

TEST(Feedback, FitsItsStatedMaximumWhenEveryFieldIsLongest) {
  Feedback feedback;
  feedback.age = kFeedbackAgeMax;
  feedback.ce = 1;
  std::uint64_t last = (1ULL << 48U) - 1;
  for (std::size_t i = 0; i < kAckRangesMax; ++i) {
    feedback.add_range({{last - (1ULL << 42U)}, {last}});
    last -= (1ULL << 42U) + (1ULL << 42U) + 1;
  }
  for (std::size_t i = 0; i < kReceiveTimesMax; ++i)
    feedback.add_time(std::numeric_limits<std::int32_t>::min());
  for (std::size_t i = 0; i < kTrackReportsMax; ++i) {
    feedback.add_report({.playout_delay_ms = 250});
  }
  EXPECT_EQ(encode(feedback).size(), kFeedbackBytesMax);
}

TEST(Feedback, NumbersWrap) {
  EXPECT_TRUE(newer_feedback(1, 0));
  EXPECT_TRUE(newer_feedback(0, 0xFFFF));
  EXPECT_TRUE(newer_feedback(0x7FFF, 0));
  EXPECT_FALSE(newer_feedback(0x8000, 0));
  EXPECT_FALSE(newer_feedback(5, 5));
  EXPECT_FALSE(newer_feedback(0xFFFF, 0));
}

TEST(Feedback, SaturatesItsAge) {
  Feedback feedback;
  feedback.add_range({{0}, {0}});
  feedback.age = std::chrono::hours{1};
  EXPECT_EQ(decode_feedback(encode(feedback))->age, kFeedbackAgeMax);
  feedback.age = Duration{-1};
  EXPECT_EQ(decode_feedback(encode(feedback))->age, Duration{0});
}

}  // namespace
}  // namespace sluice::wire
