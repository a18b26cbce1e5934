// The command line of the impairing proxy, turned into the impairment model's own terms. Used by
// its main() and its test.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "sim/impairment.h"

namespace sluice::sim {

struct ProxyOptions {
  std::string listen = "127.0.0.1:0";
  std::string to;
  ImpairmentConfig to_relay;  // times count from the proxy's start
  ImpairmentConfig from_relay;
  std::uint64_t seed = 1;
  std::string store_file;
  std::string json_file;
  bool help = false;
};

/// `arguments` without the program's name. A failure says which argument is wrong and why.
Result<ProxyOptions, Failure> parse_proxy_options(std::span<const char* const> arguments);

/// What --help prints.
const char* proxy_usage();

}  // namespace sluice::sim
