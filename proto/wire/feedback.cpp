#include "proto/wire/feedback.h"

#include <algorithm>
#include <limits>

#include "proto/base/check.h"

namespace sluice::wire {
namespace {

// `what`: ranges less one in the low bits, and which of the rest follows.
constexpr std::uint8_t kRangesMask = 0x1F, kHasMarks = 0x20, kHasTimes = 0x40, kNoMeaning = 0x80;
static_assert(kAckRangesMax == kRangesMask + 1);

// Every range but the first: a byte of gap and length; one that does not fit is 0 there and follows
// as a varint. At 20 % of loss nearly all fit, which halves the frame.
constexpr std::uint64_t kShortGapMax = 3, kShortLengthMax = 63;
constexpr unsigned kLengthBits = 6;

constexpr std::uint64_t kPacketNumberMax = (1ULL << 48U) - 1;
constexpr std::uint64_t kAgeUnitsMax = kFeedbackAgeMax / kFeedbackAgeUnit;

// In a report's last byte, beside the open equations.
constexpr std::uint8_t kReportHasTimes = 0x80;

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

std::size_t range_bytes(std::uint64_t gap, std::uint64_t length) {
  return 1 + (gap > kShortGapMax ? varint_bytes(gap) : 0) +
         (length > kShortLengthMax ? varint_bytes(length) : 0);
}

void write_range(Writer& writer, std::uint64_t gap, std::uint64_t length) {
  const std::uint64_t short_gap = gap > kShortGapMax ? 0 : gap;
  const std::uint64_t short_length = length > kShortLengthMax ? 0 : length;
  writer.u8(static_cast<std::uint8_t>(short_gap << kLengthBits | short_length));
  if (short_gap == 0) writer.varint(gap);
  if (short_length == 0) writer.varint(length);
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

/// `count` ranges from `highest` down; false when they touch or descend below zero.
bool read_ranges(Reader& reader, PacketNumber highest, std::uint8_t count, Feedback& feedback) {
  PacketNumber last = highest;
  for (std::uint8_t i = 0; i < count; ++i) {
    std::uint64_t length = 0;
    if (i == 0) {
      length = reader.varint();
    } else {
      const std::uint8_t both = reader.u8();
      std::uint64_t gap = both >> kLengthBits;
      if (gap == 0) gap = reader.varint();
      length = both & kShortLengthMax;
      if (length == 0) length = reader.varint();
      const std::uint64_t below = feedback.range_storage[i - 1U].first.value;
      // `below` - gap - 1 must not be negative, and gap at least 1.
      if (gap == 0 || gap >= below) return false;
      last = {below - gap - 1};
    }
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

/// As many as there are.
bool read_reports(Reader& reader, Feedback& feedback) {
  while (reader.ok() && !reader.finished()) {
    TrackReport report;
    report.track = TrackId{reader.u8()};
    report.oldest_open = Seq{reader.u24()};
    const std::uint8_t last = reader.u8();
    report.open_equations = last & kOpenEquationsMax;
    if ((last & kReportHasTimes) != 0) {
      report.playout_delay_ms = reader.u16();
      report.recover_within_ms = reader.u16();
      if (!report.has_times()) return false;
    }
    if (!feedback.add_report(report)) return false;
  }
  return reader.ok();
}

bool read_body(Bytes body, Feedback& feedback) {
  Reader reader(body);
  feedback.number = reader.u16();
  const PacketNumber highest{reader.varint()};
  const std::uint64_t age = reader.varint();
  const std::uint8_t what = reader.u8();
  const auto ranges = static_cast<std::uint8_t>((what & kRangesMask) + 1);
  const bool good = highest.value <= kPacketNumberMax && age <= kAgeUnitsMax &&
                    (what & kNoMeaning) == 0 && read_ranges(reader, highest, ranges, feedback) &&
                    ((what & kHasTimes) == 0 || read_times(reader, feedback));
  if (!good) return false;
  feedback.age = kFeedbackAgeUnit * static_cast<std::int64_t>(age);
  if ((what & kHasMarks) != 0) feedback.ce = reader.u24();
  return read_reports(reader, feedback);
}

void write_report(Writer& writer, const TrackReport& report) {
  const std::uint8_t times = report.has_times() ? kReportHasTimes : 0;
  writer.u8(static_cast<std::uint8_t>(report.track));
  writer.u24(report.oldest_open.value());
  writer.u8(static_cast<std::uint8_t>(std::min(report.open_equations, kOpenEquationsMax) | times));
  if (times == 0) return;
  writer.u16(report.playout_delay_ms);
  writer.u16(report.recover_within_ms);
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
  std::size_t bytes = 2 + varint_bytes(feedback.highest().value) +
                      varint_bytes(age_units(feedback.age)) + 1 +
                      varint_bytes(length_of(ranges[0]));
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    bytes += range_bytes(gap_below(ranges[i - 1], ranges[i]), length_of(ranges[i]));
  }
  const std::span<const std::int32_t> times = times_sent(feedback);
  bytes += times.empty() ? 0U : 1U;
  for (const std::int32_t delta : times) bytes += varint_bytes(zigzag_of(delta));
  bytes += feedback.ce == 0 ? 0U : 3U;
  for (const TrackReport& report : feedback.reports()) bytes += report.has_times() ? 9U : 5U;
  return bytes;
}

void encode_feedback(const Feedback& feedback, Writer& writer) noexcept {
  CHECK(feedback.range_count > 0);
  const std::span<const AckRange> ranges = feedback.ranges();
  const std::span<const std::int32_t> times = times_sent(feedback);
  unsigned what = feedback.range_count - 1U;
  if (feedback.ce != 0) what |= kHasMarks;
  if (!times.empty()) what |= kHasTimes;
  writer.u16(feedback.number);
  writer.varint(feedback.highest().value);
  writer.varint(age_units(feedback.age));
  writer.u8(static_cast<std::uint8_t>(what));
  writer.varint(length_of(ranges[0]));
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    write_range(writer, gap_below(ranges[i - 1], ranges[i]), length_of(ranges[i]));
  }
  if (!times.empty()) writer.u8(static_cast<std::uint8_t>(times.size()));
  for (const std::int32_t delta : times) writer.zigzag(delta);
  if (feedback.ce != 0) writer.u24(feedback.ce);
  for (const TrackReport& report : feedback.reports()) write_report(writer, report);
}

// Made where the caller gets it: a Feedback is more than a KiB.
Result<Feedback> decode_feedback(Bytes body) noexcept {
  Result<Feedback> result{std::in_place};
  if (!read_body(body, *result)) result = Unexpected{DropReason::kMalformed};
  return result;
}

}  // namespace sluice::wire
