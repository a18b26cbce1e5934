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

/// A feedback of one range and nothing else, as bytes: highest, count of ranges, ranges as varints.
Octets raw(std::uint64_t highest, std::uint8_t ranges, const std::vector<std::uint64_t>& varints,
           std::uint8_t times = 0, std::uint8_t reports = 0) {
  Octets out(600);
  Writer writer(out);
  writer.u24(1);
  writer.u48(highest);
  writer.u24(0);
  writer.u8(ranges);
  for (const std::uint64_t v : varints) writer.varint(v);
  writer.u8(times);
  for (unsigned i = 0; i < times; ++i) writer.zigzag(4);
  writer.u24(0);
  writer.u8(reports);
  writer.zeros(std::size_t{9} * reports);
  out.resize(writer.size());
  return out;
}

// P-FEEDBACK-01, P-FEEDBACK-02, P-FEEDBACK-03
TEST(Feedback, RoundTripsWhateverAReceiverCanHaveSeen) {
  std::mt19937_64 random(7);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 2000; ++round) {
    Feedback feedback;
    feedback.number = static_cast<std::uint32_t>(below(1U << 24U));
    feedback.age = kFeedbackAgeUnit * static_cast<std::int64_t>(below(1U << 24U));
    feedback.ce = static_cast<std::uint32_t>(below(1U << 24U));
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
      feedback.add_report(
          {TrackId{static_cast<std::uint8_t>(random())}, Seq{static_cast<std::uint32_t>(random())},
           static_cast<std::uint8_t>(random()), static_cast<std::uint16_t>(random()),
           static_cast<std::uint16_t>(random())});
    }
    const Octets bytes = encode(feedback);
    const Result<Feedback> decoded = decode_feedback(bytes);
    ASSERT_TRUE(decoded) << "round " << round;
    expect_equal(*decoded, feedback);
    // Strict: no prefix of it, and nothing behind it, is a feedback.
    EXPECT_FALSE(decode_feedback(Bytes{bytes}.first(below(bytes.size()))));
    Octets longer = bytes;
    longer.push_back({});
    EXPECT_FALSE(decode_feedback(longer));
  }
}

// P-FEEDBACK-01
TEST(Feedback, HasTheBytesOfTheSpecification) {
  Feedback feedback;
  feedback.number = 0x010203;
  feedback.age = Duration{16 * 5 + 15};  // truncated to 5 units
  feedback.ce = 6;
  feedback.add_range({{0x95}, {0x100}});  // length 108
  feedback.add_range({{0x80}, {0x92}});   // gap 2, length 19
  feedback.add_time(-1);
  feedback.add_time(64);
  feedback.add_report({TrackId{7}, Seq{8}, 9, 250, kNoMilliseconds});
  const std::vector<std::uint8_t> expected{1, 2, 3,   0, 0,  0, 0, 1,    0,   0,    0,
                                           5, 2, 108, 2, 19, 2, 1, 0x80, 1,   0,    0,
                                           6, 1, 7,   0, 0,  8, 9, 0,    250, 0xFF, 0xFF};
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

  std::vector<std::uint64_t> full{1}, over{1};
  for (std::size_t i = 1; i < kAckRangesMax; ++i) full.insert(full.end(), {1, 1});
  over = full;
  over.insert(over.end(), {1, 1});
  for (const Case& c : {
           Case{"number 0 alone", raw(0, 1, {1}), true},
           Case{"down to number 0", raw(9, 1, {10}), true},
           Case{"below zero", raw(9, 1, {11}), false},
           Case{"no range", raw(9, 0, {}), false},
           Case{"length 0", raw(9, 1, {0}), false},
           Case{"gap 0", raw(9, 2, {1, 0, 1}), false},
           Case{"second length 0", raw(9, 2, {1, 1, 0}), false},
           Case{"second range down to 0", raw(9, 2, {1, 1, 8}), true},
           Case{"second range below 0", raw(9, 2, {1, 1, 9}), false},
           Case{"gap down to 0, range at 0", raw(9, 2, {1, 8, 1}), true},
           Case{"gap past 0", raw(9, 2, {1, 9, 1}), false},
           Case{"gap far past 0", raw(9, 2, {1, ~0ULL, 1}), false},
           Case{"length that wraps", raw(9, 1, {~0ULL}), false},
           Case{"the highest number there is", raw((1ULL << 48U) - 1, 1, {1ULL << 48U}), true},
           Case{"32 ranges", raw(1000, kAckRangesMax, full), true},
           Case{"33 ranges", raw(1000, kAckRangesMax + 1, over), false},
           Case{"a time for each pair", raw(9, 1, {3}, 2), true},
           Case{"a time too many", raw(9, 1, {3}, 3), false},
           Case{"64 times", raw(99, 1, {65}, kReceiveTimesMax), true},
           Case{"65 times", raw(99, 1, {66}, kReceiveTimesMax + 1), false},
           Case{"16 reports", raw(9, 1, {1}, 0, kTrackReportsMax), true},
           Case{"17 reports", raw(9, 1, {1}, 0, kTrackReportsMax + 1), false},
           Case{"nothing", {}, false},
       }) {
    EXPECT_EQ(decode_feedback(c.bytes).has_value(), c.good) << c.what;
  }
}

TEST(Feedback, RefusesATimeBeyond32Bits) {
  for (const std::int64_t delta : {std::int64_t{1} << 31U, -(std::int64_t{1} << 31U) - 1}) {
    Octets out(100);
    Writer writer(out);
    writer.u24(1);
    writer.u48(9);
    writer.u24(0);
    writer.u8(1);
    writer.varint(2);
    writer.u8(1);
    writer.zigzag(delta);
    writer.u24(0);
    writer.u8(0);
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
  std::uint64_t last = (1ULL << 48U) - 1;
  for (std::size_t i = 0; i < kAckRangesMax; ++i) {
    feedback.add_range({{last - (1ULL << 42U)}, {last}});
    last -= (1ULL << 42U) + (1ULL << 42U) + 1;
  }
  for (std::size_t i = 0; i < kReceiveTimesMax; ++i)
    feedback.add_time(std::numeric_limits<std::int32_t>::min());
  for (std::size_t i = 0; i < kTrackReportsMax; ++i) feedback.add_report({});
  EXPECT_EQ(encode(feedback).size(), kFeedbackBytesMax);
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
