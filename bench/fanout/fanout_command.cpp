#include "bench/fanout/fanout_command.h"

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "bench/report/outcome.h"
#include "bench/report/report_file.h"
#include "proto/base/limits.h"

namespace sluice::bench {
CLI::App* add_fanout_command(CLI::App& app, FanoutCommand& command) {
  FanoutOptions& options = command.options;
  CLI::App* fanout = app.add_subcommand(
      "fanout", "what a relay's copy of a packet costs, beside a bare forwarder's, in one run");
  fanout->footer(
      "Examples:\n"
      "  sluice-bench fanout --subscribers 100 --burst 8 --workers 1 --json fanout.json\n"
      "  sluice-bench fanout --ingress paced --windows 15 --fail-if 'ratio>1.4,loss>0%'");
  fanout
      ->add_option("--subscribers", options.subscribers,
                   "sinks, each an authenticated link; members in all, with --ingress call")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  fanout->add_option("--burst", options.burst, "equal packets of a frame, with --ingress burst")
      ->check(CLI::Range(1U, static_cast<unsigned>(kRunPacketsMax)))
      ->capture_default_str();
  fanout
      ->add_option("--workers", options.workers,
                   "of the relay; 1 is pinned to a core, more are held against a relay of 1")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  fanout
      ->add_option("--ingress", command.ingress,
                   "burst; paced: 2 Mbit/s at 30 frames/s, as the product's pacer sends it; call: "
                   "rooms of 4 members, video 300 kbit/s at 15 frames/s and sound, 50/s, of each")
      ->check(CLI::IsMember({"burst", "paced", "call"}))
      ->capture_default_str();
  fanout->add_option("--windows", options.windows, "of each forwarder, in turns")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  fanout->add_option("--window-seconds", options.window_s, "length of each")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  fanout
      ->add_option("--rate", options.copies_per_s,
                   "copies offered a second, with --ingress burst (0: 5,000 times the burst)")
      ->check(CLI::Range(0.0, 1e8))
      ->capture_default_str();
  fanout->add_flag("--half-rate", options.half_rate,
                   "find the highest rate at which every copy arrives, and offer half of it");
  fanout
      ->add_option("--loss", command.loss_percent,
                   "per cent of what comes to the relay's sinks that they lose; repairs run")
      ->check(CLI::Range(0.0, 50.0))
      ->capture_default_str();
  fanout->add_option("--relay", options.relay, "the relay's program (the one beside this)");
  fanout->add_option("--json", command.json, "where the report goes, - for standard output")
      ->capture_default_str();
  fanout->add_option("--fail-if", command.fail_if,
                     "exit 1 when any holds of the report: 'ratio>1.3,p99>5ms,loss>0.1%'");
  return fanout;
}

int run_fanout_command(FanoutCommand command) {
  const auto conditions = parse_conditions(command.fail_if);
  if (!conditions) return say(kExitBadInput, "--fail-if: " + conditions.error().message);
  if (const auto writable = check_report_file(command.json); !writable) {
    return say(kExitBadInput, "--json: " + writable.error().message);
  }
  if (command.ingress == "paced") command.options.ingress = Ingress::kPaced;
  if (command.ingress == "call") command.options.ingress = Ingress::kCall;
  command.options.loss = command.loss_percent / 100;
  if (const auto checked = check_fanout(command.options); !checked) {
    return say(kExitBadInput, checked.error().message);
  }
  std::fprintf(stderr, "fanout: %.0f copies/s are offered\n",
               traffic_of(command.options).copies_per_s());
  try {
    const auto report = run_fanout(command.options);
    if (!report) return say(kExitEnvironment, report.error().message);
    const std::string json = fanout_json(*report);
    if (!write_report_file(command.json, json)) {
      return say(kExitEnvironment, "cannot write " + command.json);
    }
    // With losses some copies are too late on purpose; --fail-if 'loss>...' judges them.
    const bool lossless = command.options.loss <= 0;
    if (const auto missing = report->missing(); lossless && missing > 0) {
      return say(kExitFailed, std::to_string(missing) +
                                  " copies did not arrive: offer less with --rate, or let the "
                                  "machine do nothing else");
    }
    return judge(*conditions, json) ? kExitFailed : 0;
  } catch (const std::exception& failure) {
    return say(kExitEnvironment, failure.what());
  }
}

}  // namespace sluice::bench
