// The command line of a daemon: the flags that all have, those that say a setting, and the order
// defaults < file < environment < flags. CLI11 lives in command_line.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/settings.h"
#include "net/log.h"
#include "proto/base/result.h"

namespace sluice::daemon {

/// What a daemon's exit says; 0 is well.
inline constexpr int kExitBadInput = 2;     // flags that make no sense
inline constexpr int kExitEnvironment = 5;  // configuration, port or file

/// What `--help` and `--version` say of a program.
struct ProgramText {
  const char* name;
  const char* version;
  const char* about;  // ends with the lines a newcomer needs
  const char* dev;    // of the flag --dev
  const char* environment_prefix;
};

class CommandLine {
 public:
  explicit CommandLine(const ProgramText& text);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// A flag that says a setting: "--listen" for "listen.address".
  void add_setting(const char* flag, const char* setting, const char* type, const char* help);

  /// The code to exit with at once (after --help, or a flag that is wrong); nothing: go on.
  std::optional<int> parse(int argc, char** argv);

  bool dev() const;

  /// Print all settings and exit.
  bool check_config() const;

  /// From the file, the environment and the flags, in this order.
  Status<Failure> read(Settings settings) const;

  /// Whether anybody said it. Said as the preset, be it in a file, it is not found out.
  bool given(const char* flag, const std::string& value, const std::string& preset) const;

  /// Says the failure; returns the code to exit with.
  int fail(const Failure& failure) const;

 private:
  struct Parser;

  std::unique_ptr<Parser> parser_;
};

/// To stdout, at once.
void say(const std::string& text);

/// Of values that the settings' checks let through. `log` says where the lines go.
Status<Failure> start_log(const std::string& level, const std::string& format,
                          net::LogConfig log = {});

}  // namespace sluice::daemon
