// sluice-bench: measurements of a relay and of the machine it runs on. One subcommand a file; this
// one only knows their names.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/echo.h"
#include "bench/fanout/fanout_command.h"
#include "bench/floor/floor.h"
#include "bench/link/link_command.h"
#include "bench/load/load_run.h"
#include "bench/report/compare.h"
#include "bench/report/condition.h"
#include "bench/report/report_file.h"
#include "bench/rooms/rooms_command.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitEnvironment = 5;

using sluice::bench::write_report_file;

int run_echo_command(const sluice::bench::EchoOptions& options, const std::string& json_file) {
  try {
    const sluice::bench::EchoReport report = sluice::bench::run_echo(options);
    if (write_report_file(json_file, sluice::bench::echo_json(report))) {
      return report.packets_returned == 0 ? kExitFailed : 0;
    }
    std::fprintf(stderr, "sluice-bench: cannot write %s\n", json_file.c_str());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "sluice-bench: %s\n", failure.what());
  }
  return kExitEnvironment;
}

int run_load_command(const sluice::bench::LoadOptions& options, const std::string& json_file,
                     const std::string& fail_if) {
  const auto conditions = sluice::bench::parse_conditions(fail_if);
  const auto writable = sluice::bench::check_report_file(json_file);
  if (!conditions || !writable) {
    constexpr int kExitBadInput = 2;
    std::fprintf(stderr, "sluice-bench: %s%s\n", conditions ? "--json: " : "--fail-if: ",
                 (conditions ? writable.error() : conditions.error()).message.c_str());
    return kExitBadInput;
  }
  const auto report = sluice::bench::run_load(options);
  if (!report) {
    std::fprintf(stderr, "sluice-bench: %s\n", report.error().message.c_str());
    return static_cast<int>(report.error().code);
  }
  const std::string json = sluice::bench::load_json(*report);
  if (!write_report_file(json_file, json)) {
    std::fprintf(stderr, "sluice-bench: cannot write %s\n", json_file.c_str());
    return kExitEnvironment;
  }
  if (!fail_if.empty()) return sluice::bench::judge(*conditions, json) ? kExitFailed : 0;
  return report->frames_received == report->frames_expected ? 0 : kExitFailed;
}

int run_floor_command(sluice::bench::FloorOptions options, const std::string& cipher,
                      const std::string& json_file) {
  constexpr int kExitBadInput = 2;
  options.cipher = *sluice::bench::cipher_from(cipher);  // the command line knows no others
  try {
    const sluice::bench::FloorReport report = sluice::bench::run_floor(options);
    if (write_report_file(json_file, sluice::bench::floor_json(report))) {
      return report.packets_out == 0 ? kExitFailed : 0;
    }
    std::fprintf(stderr, "sluice-bench: cannot write %s\n", json_file.c_str());
  } catch (const std::invalid_argument& bad) {
    std::fprintf(stderr, "sluice-bench: %s\n", bad.what());
    return kExitBadInput;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "sluice-bench: %s\n", failure.what());
  }
  return kExitEnvironment;
}

CLI::App* add_floor_command(CLI::App& app, sluice::bench::FloorOptions& floor, std::string& cipher,
                            std::string& json) {
  CLI::App* command =
      app.add_subcommand("floor", "a bare forwarder: what a copy of a packet costs at the least");
  command->add_option("--cipher", cipher, "copy, openssl or ipsec-mb")
      ->capture_default_str()
      ->check(CLI::IsMember({"copy", "openssl", "ipsec-mb"}));
  command->add_option("--subscribers", floor.subscribers, "copies of each packet")
      ->capture_default_str();
  command->add_option("--burst", floor.burst, "packets to one subscriber in one message")
      ->capture_default_str();
  command->add_option("--bytes", floor.packet_bytes, "media in each packet")->capture_default_str();
  command->add_option("--seconds", floor.seconds, "how long to forward")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0, "seconds"));
  command->add_option("--json", json, "where the report goes, - for standard output")
      ->capture_default_str();
  return command;
}

CLI::App* add_load_command(CLI::App& app, sluice::bench::LoadOptions& load, std::string& json,
                           std::string& fail_if) {
  CLI::App* command = app.add_subcommand("run", "pushers and subscribers against a relay");
  command->add_option("--rooms", load.rooms, "rooms")->capture_default_str();
  command->add_option("--pushers", load.pushers, "pushers of each room, one stream each")
      ->capture_default_str();
  command->add_option("--subscribers", load.subscribers, "subscribers of each stream")
      ->capture_default_str();
  command->add_option("--duration", load.duration_s, "seconds to push")->capture_default_str();
  command->add_option("--bitrate", load.bits_per_s, "bits/s of each stream")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{10'000}, std::uint64_t{200'000'000}));
  command->add_option("--control", load.control, "control socket (default: the --dev relay's)");
  command->add_option("--address", load.address, "send the packets to this HOST:PORT instead");
  command->add_option("--pid", load.relay_pid, "the relay's process, for its CPU");
  command->add_option("--fail-if", fail_if,
                      "exit 1 when any holds of the report: 'p99>5ms,loss>0.1%'");
  command->add_option("--json", json, "where the report goes, - for standard output")
      ->capture_default_str();
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measurements of a Sluice relay and of the machine it runs on"};
  app.set_version_flag("--version", SLUICE_VERSION);
  app.require_subcommand(1);

  sluice::bench::EchoOptions echo;
  std::string echo_json_file = "-";
  CLI::App* echo_command =
      app.add_subcommand("echo", "latency of a bare UDP echo: what a hop costs with nothing in it");
  echo_command->add_option("--seconds", echo.seconds, "how long to send")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86'400.0, "seconds"));
  echo_command->add_option("--bursts-per-s", echo.bursts_per_second, "video frames a second")
      ->capture_default_str();
  echo_command->add_option("--packets", echo.packets_per_burst, "datagrams of a burst")
      ->capture_default_str();
  echo_command->add_option("--key-packets", echo.packets_per_key_burst, "datagrams of a key frame")
      ->capture_default_str();
  echo_command->add_option("--key-every", echo.bursts_per_key_burst, "bursts from key to key frame")
      ->capture_default_str();
  echo_command->add_option("--bytes", echo.packet_bytes, "UDP payload of each")
      ->capture_default_str();
  echo_command->add_option("--json", echo_json_file, "where the report goes, - for standard output")
      ->capture_default_str();

  sluice::bench::LoadOptions load;
  std::string load_json_file = "-", load_fail_if;
  const CLI::App* load_command = add_load_command(app, load, load_json_file, load_fail_if);

  sluice::bench::FloorOptions floor;
  std::string floor_cipher = "openssl", floor_json_file = "-";
  const CLI::App* floor_command = add_floor_command(app, floor, floor_cipher, floor_json_file);

  sluice::bench::FanoutCommand fanout;
  const CLI::App* fanout_command = sluice::bench::add_fanout_command(app, fanout);
  sluice::bench::RoomsCommand rooms;
  const CLI::App* rooms_command = sluice::bench::add_rooms_command(app, rooms);
  sluice::bench::CompareCommand compare;
  const CLI::App* compare_command = sluice::bench::add_compare_command(app, compare);

  sluice::bench::LinkCommand link;
  const CLI::App* link_command = sluice::bench::add_link_command(app, link);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    constexpr int kExitBadInput = 2;
    return app.exit(error) == 0 ? 0 : kExitBadInput;
  }
  if (link_command->parsed()) return sluice::bench::run_link_command(link);
  if (fanout_command->parsed()) return sluice::bench::run_fanout_command(fanout);
  if (rooms_command->parsed()) return sluice::bench::run_rooms_command(rooms);
  if (compare_command->parsed()) return sluice::bench::run_compare_command(compare);
  if (floor_command->parsed()) return run_floor_command(floor, floor_cipher, floor_json_file);
  if (load_command->parsed()) return run_load_command(load, load_json_file, load_fail_if);
  if (echo_command->parsed()) return run_echo_command(echo, echo_json_file);
  return 0;
}
