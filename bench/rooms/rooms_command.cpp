#include "bench/rooms/rooms_command.h"

#include <CLI/CLI.hpp>

#include "bench/report/condition.h"
#include "bench/report/outcome.h"
#include "bench/report/report_file.h"

namespace sluice::bench {
CLI::App* add_rooms_command(CLI::App& app, RoomsCommand& command) {
  RoomsOptions& options = command.options;
  CLI::App* rooms =
      app.add_subcommand("rooms", "a room service full of members: what its calls take, and cost");
  rooms->footer(
      "Examples:\n"
      "  sluice-bench rooms --fail-if 'p99>20ms,calls_failed>0'\n"
      "  sluice-bench rooms --rooms 200 --calls 500 --parked 100 --seconds 5");
  rooms->add_option("--rooms", options.rooms, "multi_rooms")
      ->check(CLI::Range(1, 19'000))
      ->capture_default_str();
  rooms->add_option("--members", options.members, "of each, all pushers")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  rooms
      ->add_option("--calls", options.calls_per_s,
                   "offered a second: 60 % heartbeats, 20 % get_pushers, 10 % lists, 10 % messages")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  rooms->add_option("--parked", options.parked, "members whose poll is held meanwhile")
      ->check(CLI::Range(0, 18'000))
      ->capture_default_str();
  rooms
      ->add_option("--notice-members", options.notice_members,
                   "of one live_room, all of whom hear each notice; 0: none")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  rooms->add_option("--notices", options.notices, "so many, one after the other")
      ->capture_default_str();
  rooms->add_option("--seconds", options.seconds, "how long calls are offered")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  rooms->add_option("--program", options.program, "the service's program (the one beside this)");
  rooms->add_option("--json", command.json, "where the report goes, - for standard output")
      ->capture_default_str();
  rooms->add_option("--fail-if", command.fail_if,
                    "exit 1 when any holds of the report: 'p99>20ms,notice_us_p99>50ms'");
  return rooms;
}

int run_rooms_command(const RoomsCommand& command) {
  const auto conditions = parse_conditions(command.fail_if);
  if (!conditions) return say(kExitBadInput, "--fail-if: " + conditions.error().message);
  if (const auto writable = check_report_file(command.json); !writable) {
    return say(kExitBadInput, "--json: " + writable.error().message);
  }
  if (const auto checked = check_rooms(command.options); !checked) {
    return say(kExitBadInput, checked.error().message);
  }
  const auto report = run_rooms(command.options);
  if (!report) return say(kExitEnvironment, report.error().message);
  const std::string json = rooms_json(*report);
  if (!write_report_file(command.json, json)) {
    return say(kExitEnvironment, "cannot write " + command.json);
  }
  return judge(*conditions, json) ? kExitFailed : 0;
}

}  // namespace sluice::bench
