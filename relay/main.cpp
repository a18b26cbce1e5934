// sluice-relay: reads what was asked for, in the order defaults, file, environment, flags, and runs
// the daemon. Exit codes: 0 ok, 2 flags that make no sense, 5 configuration, port or file.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "net/log.h"
#include "relay/program.h"

namespace {

using sluice::Done;
using sluice::Failure;
using sluice::Status;
using sluice::Unexpected;
using sluice::relay::Config;

constexpr int kBadInput = 2;
constexpr int kEnvironment = 5;

struct Flags {
  std::string config_file, listen, http, control, workers, address;
  bool dev = false;
  bool check_config = false;
};

constexpr const char* kAbout =
    "The relay of Sluice: takes encrypted UDP streams in and passes them on to each room.\n\n"
    "Try it on this machine, in three terminals:\n"
    "  sluice-relay --dev\n"
    "  sluice push sluice://127.0.0.1/demo/camera FILE.flv --loop\n"
    "  sluice pull sluice://127.0.0.1/demo/camera -o - | ffplay -\n"
    "Run it for others:\n"
    "  sluice-relay --config /etc/sluice/relay.toml";

void describe(CLI::App& app, Flags& flags) {
  app.add_flag(
      "--dev", flags.dev,
      "for this machine alone: loopback, free ports, no file needed; local clients find it");
  app.add_option("--listen", flags.listen, "UDP address for media, as :4700 or 127.0.0.1:4700")
      ->type_name("HOST:PORT");
  app.add_option("--http", flags.http, "address of /metrics, /healthz and /readyz; '' for none")
      ->type_name("HOST:PORT");
  app.add_option(
         "--control", flags.control,
         "the control socket; with --dev, local clients find the relay by --control PATH too")
      ->type_name("PATH");
  app.add_option("--workers", flags.workers, "media threads; 0: one less than processors")
      ->type_name("N");
  app.add_option("--address", flags.address, "under which clients reach this relay, for tickets")
      ->type_name("HOST:PORT");
  app.add_option("--config", flags.config_file, "TOML file; --check-config prints every setting")
      ->type_name("FILE");
  app.add_flag("--check-config", flags.check_config,
               "check the configuration, print all of it with its values, and exit");
  app.footer(
      "Each setting is also an environment variable: listen.address is "
      "SLUICE_RELAY_LISTEN_ADDRESS.\nFlags go before the environment, the environment before the "
      "file.");
}

Status<Failure> read_config(const CLI::App& app, const Flags& flags, Config& config) {
  if (!flags.config_file.empty()) {
    auto read = sluice::relay::read_config_file(flags.config_file, config);
    if (!read) return read;
  }
  const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  if (auto read = sluice::relay::read_environment(environment, config); !read) return read;
  const sluice::relay::Assignment assignments[] = {{"listen.address", flags.listen, "--listen"},
                                                   {"http.address", flags.http, "--http"},
                                                   {"control.path", flags.control, "--control"},
                                                   {"listen.workers", flags.workers, "--workers"},
                                                   {"relay.address", flags.address, "--address"}};
  for (const auto& assignment : assignments) {
    if (app.count(assignment.origin) == 0) continue;
    if (auto assigned = sluice::relay::assign(assignment, config); !assigned) return assigned;
  }
  return sluice::relay::check_config(config);
}

Status<Failure> start_log(const Config& config) {
  sluice::net::LogConfig log;
  log.level = *sluice::net::parse_log_level(config.relay_log_level);
  if (config.relay_log_format == "json") log.format = sluice::net::LogFormat::kJson;
  return sluice::net::configure_log(log);
}

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int fail(const Failure& failure) {
  std::fprintf(stderr, "sluice-relay: %s\n", failure.message.c_str());
  return kEnvironment;
}

int run(const CLI::App& app, const Flags& flags) {
  sluice::relay::ProgramOptions options;
  if (auto read = read_config(app, flags, options.config); !read) return fail(read.error());
  if (flags.check_config) {
    say(sluice::relay::config_as_toml(options.config));
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
  options.http_given = given("--http", config.http_address, defaults.http_address);
  options.control_given = given("--control", config.control_path, defaults.control_path);

  sluice::net::Loop loop;
  auto program = sluice::relay::Program::start(loop, std::move(options));
  if (!program) return fail(program.error());
  say((*program)->greeting());
  (*program)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A peer that hangs up is an error of a write, not the end of the relay.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{kAbout, "sluice-relay"};
  app.set_version_flag("--version", std::string{"sluice-relay "} + SLUICE_VERSION);
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
