// `sluice-bench link`: its command line, and what it prints beside the JSON.
#pragma once

#include <string>

#include "bench/link/cell_options.h"

namespace sluice::bench {

struct LinkCommand {
  CellOptions cell;
  bool sim = false;
  std::string relay;       // its program, without --sim; empty: the one beside this
  std::uint32_t runs = 1;  // seeds, from `cell.seed` on, pooled
  std::string json = "-";
  std::string cells;  // "must" or a file: a table of cells instead of one
};

CLI::App* add_link_command(CLI::App& app, LinkCommand& command);

/// The exit code: 0 when it could be measured, whatever was reached.
int run_link_command(const LinkCommand& command);

}  // namespace sluice::bench
