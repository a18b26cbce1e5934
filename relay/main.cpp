// sluice-relay: reads what was asked for, in the order defaults, file, environment, flags, and runs
// the daemon. Exit codes: daemon/command_line.h.
#include <csignal>
#include <utility>

#include "daemon/command_line.h"
#include "relay/program.h"

namespace {

using sluice::Done;
using sluice::Failure;
using sluice::Status;
using sluice::daemon::CommandLine;
using sluice::relay::Config;

constexpr sluice::daemon::ProgramText kText{
    "sluice-relay", SLUICE_VERSION,
    "The relay of Sluice: takes encrypted UDP streams in and passes them on to each room.\n\n"
    "Try it on this machine, in three terminals:\n"
    "  sluice-relay --dev\n"
    "  sluice push sluice://127.0.0.1/demo/camera FILE.flv --loop\n"
    "  sluice pull sluice://127.0.0.1/demo/camera -o - | ffplay -\n"
    "Run it for others:\n"
    "  sluice-relay --config /etc/sluice/relay.toml",
    "for this machine alone: loopback, free ports, no file needed; local clients find it",
    "SLUICE_RELAY_"};

void describe(CommandLine& line) {
  line.add_setting("--listen", "listen.address", "HOST:PORT",
                   "UDP address for media, as :4700 or 127.0.0.1:4700");
  line.add_setting("--http", "http.address", "HOST:PORT",
                   "address of /metrics, /healthz and /readyz; '' for none");
  line.add_setting("--control", "control.path", "PATH",
                   "the control socket; with --dev, local clients find the relay by --control PATH "
                   "too");
  line.add_setting("--workers", "listen.workers", "N",
                   "media threads; 0: one less than processors");
  line.add_setting("--address", "relay.address", "HOST:PORT",
                   "under which clients reach this relay, for tickets");
}

Status<Failure> run(const CommandLine& line) {
  sluice::relay::ProgramOptions options;
  Config& config = options.config;
  if (auto read = line.read(settings_of(config)); !read) return read;
  if (auto checked = check_config(config); !checked) return checked;
  if (line.check_config()) {
    sluice::daemon::say(config_as_toml(config));
    return Done{};
  }
  auto log = sluice::daemon::start_log(config.relay_log_level, config.relay_log_format);
  if (!log) return log;
  options.version = SLUICE_VERSION;
  options.dev = line.dev();
  const Config preset;
  options.listen_given = line.given("--listen", config.listen_address, preset.listen_address);
  options.http_given = line.given("--http", config.http_address, preset.http_address);
  options.control_given = line.given("--control", config.control_path, preset.control_path);

  sluice::net::Loop loop;
  auto program = sluice::relay::Program::start(loop, std::move(options));
  if (!program) return sluice::Unexpected{program.error()};
  sluice::daemon::say((*program)->greeting());
  (*program)->run();
  return Done{};
}

}  // namespace

int main(int argc, char** argv) {
  // A peer that hangs up is an error of a write, not the end of the relay.
  std::signal(SIGPIPE, SIG_IGN);
  CommandLine line{kText};
  describe(line);
  if (const auto code = line.parse(argc, argv)) return *code;
  const auto done = run(line);
  return done ? 0 : line.fail(done.error());
}
