// The command line of `sluice-bench fanout`.
#pragma once

#include <string>

#include "bench/fanout/fanout.h"
#include "bench/report/condition.h"

namespace CLI {
class App;
}

namespace sluice::bench {

struct FanoutCommand {
  FanoutOptions options;
  std::string ingress = "burst";
  double loss_percent = 0;
  std::string json = "-";
  std::string fail_if;
};

CLI::App* add_fanout_command(CLI::App& app, FanoutCommand& command);

/// 0; 1 when copies were missing or a condition of --fail-if holds; 2 for bad options, before
/// anything is started; 5 when a process or the report's file fails.
int run_fanout_command(FanoutCommand command);

}  // namespace sluice::bench
