#include "bench/link/cell_table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <sstream>
#include <utility>

#include "bench/link/miss_bound.h"

namespace sluice::bench {
namespace {

/// Targets of the uplink are those of the downlink and 1.5 points of overhead more. The last column
/// is SRT 1.5.1 in live mode, as docs/PERFORMANCE.md says.
constexpr std::string_view kMustCells = R"(
20 %, RTT 100, B 250 | --loss 20% --rtt 100 --budget 250 | 0.1 0.1 40 | 13.9 / 55 @ 28
10 %, RTT 100, B 250 | --loss 10% --rtt 100 --budget 250 | 0.1 0.1 18.5 | 2.9 / 14 @ 13
5 %, RTT 100, B 250 | --loss 5% --rtt 100 --budget 250 | 0.1 0.1 10 | 0.6 / 3 @ 7
10 %, RTT 200, B 250 | --loss 10% --rtt 200 --budget 250 | 0.1 0.1 31 | 8.0 / 48 @ 12
20 %, RTT 20, B 250 | --loss 20% --rtt 20 --budget 250 | 0.1 0.1 30 | 0.1 / 0 @ 29
10 % in bursts of 5, RTT 100 | --loss 10% --burst 5 --rtt 100 | 0.1 0.1 20 | 2.0 / 10 @ 14
10 %, RTT 100, B 120 | --loss 10% --rtt 100 --budget 120 | 0.1 0.5 41 | 10.7 / 55 @ 12
30 %, RTT 100, B 400 | --loss 30% --rtt 100 --budget 400 | 0.1 0.1 57 | 11.1 / 38 @ 45
clean, RTT 20, auto | --rtt 20 --budget auto | 0 0 4 |
both hops 10 %, RTT 50 + 50, B 250 | --hop both --loss 10% --rtt 50 | 0.1 0.1 19 |
up 20 %, RTT 100, B 250 | --hop up --loss 20% --rtt 100 --budget 250 | 0.1 0.1 41.5 |
up 10 %, RTT 100, B 250 | --hop up --loss 10% --rtt 100 --budget 250 | 0.1 0.1 20 |
up 5 %, RTT 100, B 250 | --hop up --loss 5% --rtt 100 --budget 250 | 0.1 0.1 11.5 |
up 10 %, RTT 200, B 250 | --hop up --loss 10% --rtt 200 --budget 250 | 0.1 0.1 32.5 |
up 20 %, RTT 20, B 250 | --hop up --loss 20% --rtt 20 --budget 250 | 0.1 0.1 31.5 |
up 10 % in bursts of 5, RTT 100 | --hop up --loss 10% --burst 5 --rtt 100 | 0.1 0.1 21.5 |
up 10 %, RTT 100, B 120 | --hop up --loss 10% --rtt 100 --budget 120 | 0.1 0.5 42.5 |
up 30 %, RTT 100, B 400 | --hop up --loss 30% --rtt 100 --budget 400 | 0.1 0.1 58.5 |
)";

/// Milliseconds that a person does not notice, and that a clean path needs.
constexpr std::int64_t kAutoPlayOutMsMax = 30;

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(' ') - first + 1)};
}

std::vector<std::string> split(std::string_view line, char at) {
  std::vector<std::string> pieces;
  for (;;) {
    const std::size_t end = line.find(at);
    pieces.push_back(trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return pieces;
    line.remove_prefix(end + 1);
  }
}

Result<CellTarget, Failure> parse_cell(std::string_view line) {
  const std::vector<std::string> columns = split(line, '|');
  const auto wrong = [&](const std::string& why) {
    return Unexpected{Failure{"\"" + std::string{line} + "\": " + why}};
  };
  if (columns.size() < 3 || columns.size() > 4)
    return wrong("name | options | targets | elsewhere");
  CellTarget target;
  target.name = columns[0];
  auto options = parse_cell_options(columns[1]);
  if (!options) return wrong(options.error().message);
  target.options = std::move(*options);
  std::istringstream numbers{columns[2]};
  numbers >> target.missed_percent >> target.key_missed_percent >> target.overhead_percent;
  std::string more;
  if (!numbers || numbers >> more) return wrong("three percentages: missed, key missed, overhead");
  if (columns.size() == 4) target.elsewhere = columns[3];
  return target;
}

/// The counts a cell is judged by: of the subscriber that did worst.
const LedgerFigures& worst(const CellReport& report) {
  const auto found = std::max_element(
      report.subscribers.begin(), report.subscribers.end(),
      [](const auto& a, const auto& b) { return a.video.frames.missed < b.video.frames.missed; });
  return found->video;
}

double percent(const FrameCounts& counts) {
  if (counts.sent == 0) return 0;
  return 100 * static_cast<double>(counts.missed) / static_cast<double>(counts.sent);
}

double bound_percent(const FrameCounts& counts) {
  return 100 * upper_bound_95(counts.missed, counts.sent);
}

// A target of 0 is "none", which needs no confidence.
bool below(const FrameCounts& counts, double target_percent) {
  return target_percent > 0 ? bound_percent(counts) < target_percent : counts.missed == 0;
}

/// Key frames are few: of them the rate itself is asked, its bound is shown.
bool key_below(const FrameCounts& counts, double target_percent) {
  return target_percent > 0 ? percent(counts) < target_percent : counts.missed == 0;
}

/// A cell that leaves B to the subscriber asks for a short one.
bool play_out_short(const CellReport& report) {
  if (report.options.budget) return true;
  return std::all_of(report.subscribers.begin(), report.subscribers.end(),
                     [](const auto& each) { return each.play_out_ms <= kAutoPlayOutMsMax; });
}

bool overhead_below(const CellReport& report, double target_percent) {
  return 100 * report.impaired_leg().overhead() < target_percent;
}

std::string fixed(double value, int decimals) {
  std::array<char, 64> digits{};
  std::snprintf(digits.data(), digits.size(), "%.*f", decimals, value);
  return digits.data();
}

/// Without the zeros at its end.
std::string brief(double value) {
  std::array<char, 64> digits{};
  std::snprintf(digits.data(), digits.size(), "%g", value);
  return digits.data();
}

std::string missed_text(const FrameCounts& counts) {
  return fixed(percent(counts), 3) + " % (" + std::to_string(counts.missed) + " of " +
         std::to_string(counts.sent) + ", < " + fixed(bound_percent(counts), 3) + ")";
}

std::string target_text(double percent) { return percent > 0 ? brief(percent) : "none"; }

}  // namespace

std::string_view must_cells() { return kMustCells; }

Result<std::vector<CellTarget>, Failure> parse_cells(std::string_view text) {
  std::vector<CellTarget> cells;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    auto cell = parse_cell(line);
    if (!cell) return Unexpected{cell.error()};
    cells.push_back(std::move(*cell));
  }
  return cells;
}

std::string table_head() {
  return "| cell | frames missed | must | key frames missed | must | overhead % | must | reached |"
         " SRT elsewhere |\n|---|---|---|---|---|---|---|---|---|\n";
}

std::string table_row(const CellTarget& target, const CellReport& report) {
  const LedgerFigures& figures = worst(report);
  std::string overhead = fixed(100 * report.impaired_leg().overhead(), 1);
  if (report.options.hop == Hop::kBoth) {
    overhead = fixed(100 * report.uplink.overhead(), 1) + " up, " +
               fixed(100 * report.subscribers.front().leg.overhead(), 1) + " down";
  }
  const std::int64_t play_out_ms = report.subscribers.front().play_out_ms;
  const std::string chosen =
      report.options.budget ? "" : ", B " + std::to_string(play_out_ms) + " ms";
  return "| " + target.name + chosen + " | " + missed_text(figures.frames) + " | " +
         target_text(target.missed_percent) + " | " + missed_text(figures.key_frames) + " | " +
         target_text(target.key_missed_percent) + " | " + overhead + " | " +
         brief(target.overhead_percent) + " | " + (reached(target, report) ? "yes" : "no") + " | " +
         target.elsewhere + " |\n";
}

bool reached(const CellTarget& target, const CellReport& report) {
  const LedgerFigures& figures = worst(report);
  return below(figures.frames, target.missed_percent) &&
         key_below(figures.key_frames, target.key_missed_percent) &&
         overhead_below(report, target.overhead_percent) && play_out_short(report);
}

}  // namespace sluice::bench
