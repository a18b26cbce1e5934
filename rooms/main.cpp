// sluice-rooms: reads what was asked for, in the order defaults, file, environment, flags, and runs
// the room service. Exit codes: daemon/command_line.h.
#include <csignal>
#include <utility>

#include "daemon/command_line.h"
#include "net/log.h"
#include "rooms/program.h"

namespace {

using sluice::Done;
using sluice::Failure;
using sluice::Status;
using sluice::daemon::CommandLine;
using sluice::rooms::Config;

constexpr sluice::daemon::ProgramText kText{
    "sluice-rooms", SLUICE_VERSION,
    "The room service of Sluice: rooms, members and addresses for the relay's clients, over "
    "HTTP.\n\n"
    "Try it on this machine, beside `sluice-relay --dev`:\n"
    "  sluice-rooms --dev\n"
    "Run it for others:\n"
    "  sluice-rooms --config /etc/sluice/rooms.toml",
    "for this machine alone: loopback, no file needed, clients choose who they are",
    "SLUICE_ROOMS_"};

void describe(CommandLine& line) {
  line.add_setting("--listen", "listen.address", "HOST:PORT",
                   "TCP address of the API, as :5757 or 127.0.0.1:5757");
  line.add_setting("--relay", "relay.control", "CONTROL_PATH",
                   "control socket of the relay; '' for none");
  line.add_setting("--state", "service.state_folder", "FOLDER",
                   "folder of the journal and the secret");
}

Status<Failure> run(const CommandLine& line) {
  sluice::rooms::ProgramOptions options;
  Config& config = options.config;
  if (auto read = line.read(settings_of(config)); !read) return read;
  if (line.check_config()) {
    sluice::daemon::say(config_as_toml(config));
    return Done{};
  }
  sluice::net::LogConfig files;
  files.folder = config.service_log_folder;
  files.file_bytes_max = config.service_log_file_mib << 20U;
  files.files_max = config.service_log_files;
  auto log = sluice::daemon::start_log(config.service_log_level, config.service_log_format, files);
  if (!log) return log;
  options.version = SLUICE_VERSION;
  options.dev = line.dev();
  const Config preset;
  options.listen_given = line.given("--listen", config.listen_address, preset.listen_address);
  options.relay_given = line.given("--relay", config.relay_control, preset.relay_control);
  options.state_given =
      line.given("--state", config.service_state_folder, preset.service_state_folder);

  sluice::net::Loop loop;
  auto program = sluice::rooms::Program::start(loop, std::move(options));
  if (!program) return sluice::Unexpected{program.error()};
  sluice::daemon::say((*program)->greeting());
  (*program)->run();
  return Done{};
}

}  // namespace

int main(int argc, char** argv) {
  // A client that hangs up is an error of a write, not the end of the service.
  std::signal(SIGPIPE, SIG_IGN);
  CommandLine line{kText};
  describe(line);
  if (const auto code = line.parse(argc, argv)) return *code;
  const auto done = run(line);
  return done ? 0 : line.fail(done.error());
}
