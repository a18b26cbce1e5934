#include "bench/link/relay_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include <sys/wait.h>

namespace sluice::bench {
namespace {

constexpr auto kReadyWithin = std::chrono::seconds{10};
constexpr auto kLook = std::chrono::milliseconds{20};

Failure failure(const std::string& what, int error) { return {what + ": " + std::strerror(error)}; }

/// Our environment with a runtime folder of the relay's own, so that it meets no other one.
std::vector<std::string> environment_with(const std::string& folder) {
  constexpr std::string_view kRuntime = "XDG_RUNTIME_DIR=";
  std::vector<std::string> all{std::string{kRuntime} + folder};
  for (char** each = environ; *each != nullptr; ++each) {
    if (!std::string_view{*each}.starts_with(kRuntime)) all.emplace_back(*each);
  }
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string beside_us() {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "sluice-relay")
      .string();
}

}  // namespace

Result<std::unique_ptr<RelayProcess>, Failure> RelayProcess::start(const std::string& program) {
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-cell-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Unexpected{failure("mkdtemp", errno)};
  auto relay = std::make_unique<RelayProcess>(std::move(folder));
  if (auto spawned = relay->spawn(program.empty() ? beside_us() : program); !spawned) {
    return Unexpected{spawned.error()};
  }
  if (auto ready = relay->wait_until_ready(); !ready) return Unexpected{ready.error()};
  return relay;
}

Status<Failure> RelayProcess::spawn(const std::string& program) {
  std::vector<std::string> arguments{program, "--dev",     "--listen",     "127.0.0.1:0", "--http",
                                     "",      "--control", control_path(), "--workers",   "1"};
  std::vector<std::string> environment = environment_with(folder_);
  const std::string log = folder_ + "/relay.log";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = ::posix_spawn(&pid_, program.c_str(), &files, nullptr,
                                  pointers_to(arguments).data(), pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    pid_ = 0;
    return Unexpected{failure("cannot run " + program, error)};
  }
  return Done{};
}

// Its dev file is the last thing that a relay writes before it serves. Nothing is measured yet, so
// looking again and again costs nobody anything.
Status<Failure> RelayProcess::wait_until_ready() const {
  const auto until = std::chrono::steady_clock::now() + kReadyWithin;
  const std::string file = control_path() + ".json";
  while (!std::filesystem::exists(file)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return Unexpected{Failure{"the relay ended"}};
    if (std::chrono::steady_clock::now() > until) {
      return Unexpected{Failure{"the relay did not start"}};
    }
    std::this_thread::sleep_for(kLook);
  }
  return Done{};
}

RelayProcess::~RelayProcess() {
  if (pid_ != 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace sluice::bench
