// The journal's lines: a check sum, a space, one Change as JSON, a line feed. Reading stops at the
// first line that is not whole, as a killed process or a full disk leaves one at the end. Fuzzed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rooms/change.h"

namespace sluice::rooms {

/// With its line feed. Text that is no UTF-8 loses what is none.
std::string journal_line(const Change& change);

/// FNV-1a of the JSON, 16 hexadecimal digits: it tells a torn line from a whole one, and keeps
/// nobody from forging one.
std::string journal_check_sum(std::string_view json);

struct JournalContent {
  std::vector<Change> changes;
  std::size_t whole_bytes = 0;  // of the lines above
  bool cut = false;             // behind them stands a part of one line, and nothing else
  bool damaged = false;         // behind them stands something else
};

JournalContent read_journal(std::string_view text);

}  // namespace sluice::rooms
