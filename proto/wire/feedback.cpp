#include "proto/wire/feedback.h"

#include <algorithm>
#include <limits>

#include "proto/base/check.h"

namespace sluice::wire {
namespace {

constexpr std::uint64_t length_of(const AckRange& range) {
  return range.last.value - range.first.value + 1;
}

/// Missing packets between a range and the next lower one.
constexpr std::uint64_t gap_below(const AckRange& upper, const AckRange& lower) {
  return upper.first.value - lower.last.value - 1;
}

constexpr std::size_t varint_bytes(std::uint64_t value) {
  std::size_t bytes = 1;
  for (; value >= 0x80; value >>= 7U) ++bytes;
  return bytes;
}

constexpr std::uint64_t zigzag_of(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}

std::uint64_t packets_in(std::span<const AckRange> ranges) {
  std::uint64_t packets = 0;
  for (const AckRange& range : ranges) packets += length_of(range);
  return packets;
}

/// Each time belongs to a pair of received packets: one less than the packets (P-FEEDBACK-02).
std::span<const std::int32_t> times_sent(const Feedback& feedback) {
  const std::uint64_t pairs = packets_in(feedback.ranges()) - 1;
  return feedback.times().first(std::min<std::uint64_t>(pairs, feedback.time_count));
}

std::uint32_t age_units(Duration age) {
  return static_cast<std::uint32_t>(std::clamp(age, Duration{0}, kFeedbackAgeMax) /
                                    kFeedbackAgeUnit);
}

/// Ranges from `highest` down; false when they touch, descend below zero or are too many.
bool read_ranges(Reader& reader, Feedback& feedback) {
  PacketNumber last{reader.u48()};
  feedback.age = kFeedbackAgeUnit * reader.u24();
  const std::uint8_t count = reader.u8();
  if (count == 0 || count > kAckRangesMax) return false;
  for (std::uint8_t i = 0; i < count; ++i) {
    if (i > 0) {
      const std::uint64_t gap = reader.varint();
      const std::uint64_t below = feedback.range_storage[i - 1U].first.value;
      // `below` - gap - 1 must not be negative, and gap at least 1.
      if (gap == 0 || gap >= below) return false;
      last = {below - gap - 1};
    }
    const std::uint64_t length = reader.varint();
    if (length == 0 || length - 1 > last.value) return false;
    feedback.range_storage[i] = {{last.value - (length - 1)}, last};
  }
  feedback.range_count = count;
  return reader.ok();
}

bool read_times(Reader& reader, Feedback& feedback) {
  const std::uint8_t count = reader.u8();
  if (count > kReceiveTimesMax || count > packets_in(feedback.ranges()) - 1) return false;
  for (std::uint8_t i = 0; i < count; ++i) {
    const std::int64_t delta = reader.zigzag();
    if (delta < std::numeric_limits<std::int32_t>::min() ||
        delta > std::numeric_limits<std::int32_t>::max()) {
      return false;
    }
    feedback.time_storage[i] = static_cast<std::int32_t>(delta);
  }
  feedback.time_count = count;
  return reader.ok();
}

bool read_reports(Reader& reader, Feedback& feedback) {
  const std::uint8_t count = reader.u8();
  if (count > kTrackReportsMax) return false;
  for (std::uint8_t i = 0; i < count; ++i) {
    TrackReport& report = feedback.report_storage[i];
    report.track = TrackId{reader.u8()};
    report.oldest_open = Seq{reader.u24()};
    report.open_equations = reader.u8();
    report.playout_delay_ms = reader.u16();
    report.recover_within_ms = reader.u16();
  }
  feedback.report_count = count;
  return reader.ok();
}

}  // namespace

bool Feedback::add_range(AckRange range) {
  DCHECK(range.first <= range.last);
  DCHECK(range_count == 0 || range.last + 1 < range_storage[range_count - 1U].first);
  if (range_count == range_storage.size()) return false;
  range_storage[range_count++] = range;
  return true;
}

bool Feedback::add_time(std::int32_t delta) {
  if (time_count == time_storage.size()) return false;
  time_storage[time_count++] = delta;
  return true;
}

bool Feedback::add_report(const TrackReport& report) {
  if (report_count == report_storage.size()) return false;
  report_storage[report_count++] = report;
  return true;
}

std::size_t feedback_bytes(const Feedback& feedback) noexcept {
  CHECK(feedback.range_count > 0);
  const std::span<const AckRange> ranges = feedback.ranges();
  std::size_t bytes = 3 + 6 + 3 + 1 + varint_bytes(length_of(ranges[0]));
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    bytes += varint_bytes(gap_below(ranges[i - 1], ranges[i])) + varint_bytes(length_of(ranges[i]));
  }
  bytes += 1;
  for (const std::int32_t delta : times_sent(feedback)) bytes += varint_bytes(zigzag_of(delta));
  return bytes + 3 + 1 + std::size_t{9} * feedback.report_count;
}

void encode_feedback(const Feedback& feedback, Writer& writer) noexcept {
  CHECK(feedback.range_count > 0);
  const std::span<const AckRange> ranges = feedback.ranges();
  writer.u24(feedback.number);
  writer.u48(feedback.highest().value);
  writer.u24(age_units(feedback.age));
  writer.u8(feedback.range_count);
  writer.varint(length_of(ranges[0]));
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    writer.varint(gap_below(ranges[i - 1], ranges[i]));
    writer.varint(length_of(ranges[i]));
  }
  const std::span<const std::int32_t> times = times_sent(feedback);
  writer.u8(static_cast<std::uint8_t>(times.size()));
  for (const std::int32_t delta : times) writer.zigzag(delta);
  writer.u24(feedback.ce);
  writer.u8(feedback.report_count);
  for (const TrackReport& report : feedback.reports()) {
    writer.u8(static_cast<std::uint8_t>(report.track));
    writer.u24(report.oldest_open.value());
    writer.u8(report.open_equations);
    writer.u16(report.playout_delay_ms);
    writer.u16(report.recover_within_ms);
  }
}

Result<Feedback> decode_feedback(Bytes body) noexcept {
  Reader reader(body);
  Feedback feedback;
  feedback.number = reader.u24();
  if (!read_ranges(reader, feedback) || !read_times(reader, feedback))
    return Unexpected{DropReason::kMalformed};
  feedback.ce = reader.u24();
  if (!read_reports(reader, feedback) || !reader.finished())
    return Unexpected{DropReason::kMalformed};
  return feedback;
}

}  // namespace sluice::wire
