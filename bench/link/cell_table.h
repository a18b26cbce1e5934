// The table of cells: which there are, what each must reach, and a row for each with what it did
// reach. A line of a table is `name | options | missed% key-missed% overhead% | elsewhere`; the
// last column, which may be empty, is what another program reached in that cell elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/link/cell_report.h"

namespace sluice::bench {

struct CellTarget {
  std::string name;
  CellOptions options;
  double missed_percent = 0, key_missed_percent = 0, overhead_percent = 0;  // all "less than"
  std::string elsewhere;
};

/// Empty lines and those that begin with # are left out; a failure names the line.
Result<std::vector<CellTarget>, Failure> parse_cells(std::string_view text);

/// The cells that a release must reach.
std::string_view must_cells();

/// The first two lines of the table, in Markdown.
std::string table_head();

std::string table_row(const CellTarget& target, const CellReport& report);

/// All three targets are kept, the frames' with 95 % confidence.
bool reached(const CellTarget& target, const CellReport& report);

}  // namespace sluice::bench
