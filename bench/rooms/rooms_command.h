// The command line of `sluice-bench rooms`.
#pragma once

#include <string>

#include "bench/rooms/rooms_run.h"

namespace CLI {
class App;
}

namespace sluice::bench {

struct RoomsCommand {
  RoomsOptions options;
  std::string json = "-", fail_if;
};

CLI::App* add_rooms_command(CLI::App& app, RoomsCommand& command);

/// Runs it; the result is the exit code of the process.
int run_rooms_command(const RoomsCommand& command);

}  // namespace sluice::bench
