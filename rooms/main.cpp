// sluice-rooms: reads what was asked for, in the order defaults, file, environment, flags, and runs
// the room service. Exit codes: 0 ok, 2 flags that make no sense, 5 configuration, port or file.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "net/log.h"
#include "rooms/program.h"

namespace {

using sluice::Failure;
using sluice::Status;
using sluice::rooms::Config;

constexpr int kBadInput = 2;
constexpr int kEnvironment = 5;

struct Flags {
  std::string config_file, listen, relay, state;
  bool dev = false;
  bool check_config = false;
};

constexpr const char* kAbout =
    "The room service of Sluice: rooms, members and addresses for the relay's clients, over "
    "HTTP.\n\n"
    "Try it on this machine, beside `sluice-relay --dev`:\n"
    "  sluice-rooms --dev\n"
    "Run it for others:\n"
    "  sluice-rooms --config /etc/sluice/rooms.toml";

void describe(CLI::App& app, Flags& flags) {
  app.add_flag("--dev", flags.dev,
               "for this machine alone: loopback, no file needed, clients choose who they are");
  app.add_option("--listen", flags.listen, "TCP address of the API, as :5757 or 127.0.0.1:5757")
      ->type_name("HOST:PORT");
  app.add_option("--relay", flags.relay, "control socket of the relay; '' for none")
      ->type_name("CONTROL_PATH");
  app.add_option("--state", flags.state, "folder of the journal and the secret")
      ->type_name("FOLDER");
  app.add_option("--config", flags.config_file, "TOML file; --check-config prints every setting")
      ->type_name("FILE");
  app.add_flag("--check-config", flags.check_config,
               "check the configuration, print all of it with its values, and exit");
  app.footer(
      "Each setting is also an environment variable: listen.address is "
      "SLUICE_ROOMS_LISTEN_ADDRESS.\nFlags go before the environment, the environment before the "
      "file.");
}

Status<Failure> read_config(const CLI::App& app, const Flags& flags, Config& config) {
  sluice::daemon::Settings settings = sluice::rooms::settings_of(config);
  if (!flags.config_file.empty()) {
    if (auto read = settings.read_file(flags.config_file); !read) return read;
  }
  const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  if (auto read = settings.read_environment(environment); !read) return read;
  const sluice::daemon::Assignment assignments[] = {
      {"listen.address", flags.listen, "--listen"},
      {"relay.control", flags.relay, "--relay"},
      {"service.state_folder", flags.state, "--state"}};
  for (const auto& assignment : assignments) {
    if (app.count(assignment.origin) == 0) continue;
    if (auto assigned = settings.assign(assignment); !assigned) return assigned;
  }
  return sluice::Done{};
}

Status<Failure> start_log(const Config& config) {
  sluice::net::LogConfig log;
  log.level = *sluice::net::parse_log_level(config.service_log_level);
  if (config.service_log_format == "json") log.format = sluice::net::LogFormat::kJson;
  return sluice::net::configure_log(log);
}

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int fail(const Failure& failure) {
  std::fprintf(stderr, "sluice-rooms: %s\n", failure.message.c_str());
  return kEnvironment;
}

int run(const CLI::App& app, const Flags& flags) {
  sluice::rooms::ProgramOptions options;
  if (auto read = read_config(app, flags, options.config); !read) return fail(read.error());
  if (flags.check_config) {
    say(sluice::rooms::config_as_toml(options.config));
    return 0;
  }
  if (auto log = start_log(options.config); !log) return fail(log.error());
  options.version = SLUICE_VERSION;
  options.dev = flags.dev;
  // Said anywhere, be it in a file, it is not found out.
  const Config defaults;
  const auto given = [&](const char* flag, const std::string& value, const std::string& preset) {
    return app.count(flag) != 0 || value != preset;
  };
  const Config& config = options.config;
  options.listen_given = given("--listen", config.listen_address, defaults.listen_address);
  options.relay_given = given("--relay", config.relay_control, defaults.relay_control);
  options.state_given =
      given("--state", config.service_state_folder, defaults.service_state_folder);

  sluice::net::Loop loop;
  auto program = sluice::rooms::Program::start(loop, std::move(options));
  if (!program) return fail(program.error());
  say((*program)->greeting());
  (*program)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A client that hangs up is an error of a write, not the end of the service.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{kAbout, "sluice-rooms"};
  app.set_version_flag("--version", std::string{"sluice-rooms "} + SLUICE_VERSION);
  Flags flags;
  describe(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kBadInput;
  }
  return run(app, flags);
}
