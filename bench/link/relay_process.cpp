#include "bench/link/relay_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "net/socket.h"

namespace sluice::bench {
namespace {

constexpr auto kReadyWithin = std::chrono::seconds{10};

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

Result<std::unique_ptr<RelayProcess>, Failure> RelayProcess::start(const RelaySetup& setup) {
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-cell-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Unexpected{failure("mkdtemp", errno)};
  auto relay = std::make_unique<RelayProcess>(std::move(folder));
  if (auto spawned = relay->spawn(setup); !spawned) {
    return Unexpected{spawned.error()};
  }
  if (auto ready = relay->wait_until_ready(); !ready) return Unexpected{ready.error()};
  return relay;
}

Status<Failure> RelayProcess::spawn(const RelaySetup& setup) {
  const std::string program = setup.program.empty() ? beside_us() : setup.program;
  std::vector<std::string> arguments{program,     "--dev",
                                     "--listen",  "127.0.0.1:0",
                                     "--http",    setup.http ? "127.0.0.1:0" : "",
                                     "--control", control_path(),
                                     "--workers", std::to_string(setup.workers)};
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

// Its dev file is the last thing that a relay writes before it serves.
Status<Failure> RelayProcess::wait_until_ready() const {
  const net::Fd folder{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  const net::Fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  if (::inotify_add_watch(folder.get(), folder_.c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
    return Unexpected{failure("cannot watch " + folder_, errno)};
  }
  const auto until = std::chrono::steady_clock::now() + kReadyWithin;
  const std::string file = control_path() + ".json";
  while (!std::filesystem::exists(file)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return Unexpected{Failure{"the relay ended"}};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Unexpected{Failure{"the relay did not start"}};
    std::array<pollfd, 2> waits{{{folder.get(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    static_cast<void>(::poll(waits.data(), waits.size(), static_cast<int>(left.count())));
    std::array<std::byte, 4096> events;  // what they say exists() tells
    while (::read(folder.get(), events.data(), events.size()) > 0) {
    }
  }
  return Done{};
}

std::string RelayProcess::http_address() const {
  std::ifstream file{control_path() + ".json"};
  const auto entry = nlohmann::json::parse(file, nullptr, false);
  return entry.is_object() ? entry.value("http", "") : "";
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
