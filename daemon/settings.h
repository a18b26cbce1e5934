// Settings: what an operator can set of a program, from defaults < TOML file < environment < flags.
// The program lists its settings in one table bound to its own struct of plain values; each value
// is checked at once, so that a Failure always says where the bad one stands and what would be
// right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/base/result.h"

namespace sluice::daemon {

/// What is wrong with a text, or nothing.
using TextCheck = std::optional<std::string> (*)(const std::string& value);

std::optional<std::string> any_text(const std::string& value);
std::optional<std::string> host_port(const std::string& value);
std::optional<std::string> host_port_or_none(const std::string& value);

/// Clients connect to it, so it names a host and a port.
std::optional<std::string> reachable_or_none(const std::string& value);

/// What sockaddr_un has room for.
std::optional<std::string> socket_path(const std::string& value);
std::optional<std::string> socket_path_or_none(const std::string& value);
std::optional<std::string> log_level(const std::string& value);
std::optional<std::string> log_format(const std::string& value);

/// One entry of the table: section and key of the file, and where its value is kept.
struct Setting {
  const char* section;
  const char* key;
  std::variant<std::string*, std::uint64_t*, bool*> value;
  TextCheck check = any_text;
  std::uint64_t min = 0, max = 0;  // of a number

  std::string name() const { return std::string{section} + "." + key; }
};

/// "listen.address" and the like, with the value as text.
struct Assignment {
  std::string name;
  std::string value;
  std::string origin;  // "--listen", for the Failure
};

/// Finds an environment variable; nullptr when it is not set. std::getenv in the programs.
using Environment = const char* (*)(const char* name);

class Settings {
 public:
  /// `prefix` begins the names of environment variables: "SLUICE_RELAY_". What the table points at
  /// outlives this object.
  Settings(std::string prefix, std::vector<Setting> table)
      : prefix_(std::move(prefix)), table_(std::move(table)) {}

  /// Each returns the first thing that is wrong: "relay.toml:3: listen.adress: unknown; did you
  /// mean listen.address?".
  Status<Failure> read_file(const std::string& path);
  Status<Failure> read_text(std::string_view toml, const std::string& name);
  Status<Failure> read_environment(Environment environment);
  Status<Failure> assign(const Assignment& assignment);

  /// All of them as a TOML file that gives them again.
  std::string as_toml() const;

  /// "SLUICE_RELAY_LISTEN_ADDRESS" for "listen.address", of every setting.
  std::vector<std::string> environment_names() const;

 private:
  const Setting* find(const std::string& name) const;
  Unexpected<Failure> unknown(const std::string& origin, const std::string& name) const;
  std::string environment_name(const Setting& setting) const;

  /// Holds the parser's types, which no header shows.
  struct Reading;

  std::string prefix_;
  std::vector<Setting> table_;
};

}  // namespace sluice::daemon
