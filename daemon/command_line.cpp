#include "daemon/command_line.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>

#include <CLI/CLI.hpp>

#include "net/log.h"

namespace sluice::daemon {

struct CommandLine::Parser {
  explicit Parser(const ProgramText& text) : app(text.about, text.name) {}

  CLI::App app;
  std::string config_file;
  bool dev = false;
  bool check_config = false;
  std::deque<Assignment> assignments;  // CLI11 keeps the addresses of their values
};

CommandLine::CommandLine(const ProgramText& text) : parser_(std::make_unique<Parser>(text)) {
  CLI::App& app = parser_->app;
  app.set_version_flag("--version", std::string{text.name} + " " + text.version);
  app.add_flag("--dev", parser_->dev, text.dev);
  app.add_option("--config", parser_->config_file, "TOML file; --check-config prints every setting")
      ->type_name("FILE");
  app.add_flag("--check-config", parser_->check_config,
               "check the configuration, print all of it with its values, and exit");
  app.footer(std::string{"Each setting is also an environment variable: listen.address is\n"} +
             text.environment_prefix +
             "LISTEN_ADDRESS. Flags go before the environment, the environment before the file.");
}

CommandLine::~CommandLine() = default;

void CommandLine::add_setting(const char* flag, const char* setting, const char* type,
                              const char* help) {
  Assignment& assignment = parser_->assignments.emplace_back(Assignment{setting, "", flag});
  parser_->app.add_option(flag, assignment.value, help)->type_name(type);
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  try {
    parser_->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parser_->app.exit(error) == 0 ? 0 : kExitBadInput;
  }
  return std::nullopt;
}

bool CommandLine::dev() const { return parser_->dev; }

bool CommandLine::check_config() const { return parser_->check_config; }

Status<Failure> CommandLine::read(Settings settings) const {
  if (!parser_->config_file.empty()) {
    if (auto read = settings.read_file(parser_->config_file); !read) return read;
  }
  const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  if (auto read = settings.read_environment(environment); !read) return read;
  for (const Assignment& assignment : parser_->assignments) {
    if (parser_->app.count(assignment.origin) == 0) continue;
    if (auto assigned = settings.assign(assignment); !assigned) return assigned;
  }
  return Done{};
}

bool CommandLine::given(const char* flag, const std::string& value,
                        const std::string& preset) const {
  return parser_->app.count(flag) != 0 || value != preset;
}

int CommandLine::fail(const Failure& failure) const {
  std::fprintf(stderr, "%s: %s\n", parser_->app.get_name().c_str(), failure.message.c_str());
  return kExitEnvironment;
}

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Status<Failure> start_log(const std::string& level, const std::string& format, net::LogConfig log) {
  log.level = *net::parse_log_level(level);
  if (format == "json") log.format = net::LogFormat::kJson;
  return net::configure_log(log);
}

}  // namespace sluice::daemon
