// impairing_proxy: the command line around ImpairingProxy.
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>

#include <sys/signalfd.h>

#include "sim/proxy/impairing_proxy.h"

namespace {

using sluice::sim::ImpairingProxy;
using sluice::sim::ProxyOptions;

constexpr int kExitBadInput = 2;
constexpr int kExitEnvironment = 5;

// Blocked and read as a descriptor, so that the loop ends between two datagrams.
int stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

bool write_file(const std::string& name, const std::string& text) {
  std::FILE* file = std::fopen(name.c_str(), "w");
  if (file == nullptr) return false;
  const bool whole = std::fputs(text.c_str(), file) >= 0;
  return std::fclose(file) == 0 && whole;
}

int run(const ProxyOptions& options) {
  const int stop_fd = stop_signals();
  ImpairingProxy proxy{options};
  std::printf("listening %s\n", proxy.listening().c_str());
  std::fflush(stdout);
  proxy.run(stop_fd);
  if (!options.json_file.empty() && !write_file(options.json_file, proxy.json())) {
    std::fprintf(stderr, "impairing_proxy: cannot write %s\n", options.json_file.c_str());
    return kExitEnvironment;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<const char* const> arguments{argv + 1, static_cast<std::size_t>(argc - 1)};
  const auto options = sluice::sim::parse_proxy_options(arguments);
  if (!options) {
    std::fprintf(stderr, "impairing_proxy: %s\n", options.error().message.c_str());
    return kExitBadInput;
  }
  if (options->help) return std::fputs(sluice::sim::proxy_usage(), stdout), 0;
  try {
    return run(*options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "impairing_proxy: %s\n", failure.what());
    return kExitEnvironment;
  }
}
