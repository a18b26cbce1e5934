#include "bench/process/child_process.h"

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
#include <iterator>

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "net/socket.h"

namespace sluice::bench {
namespace {

constexpr auto kReadyWithin = std::chrono::seconds{10};

Failure failure(const std::string& what, int error) { return {what + ": " + std::strerror(error)}; }

/// With a runtime folder of the program's own.
std::vector<std::string> environment_with(std::vector<std::string> first,
                                          const std::string& folder) {
  constexpr std::string_view kRuntime = "XDG_RUNTIME_DIR=";
  first.push_back(std::string{kRuntime} + folder);
  for (char** each = environ; *each != nullptr; ++each) {
    if (!std::string_view{*each}.starts_with(kRuntime)) first.emplace_back(*each);
  }
  return first;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string path_of(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / program)
      .string();
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>, Failure> ChildProcess::prepare() {
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Unexpected{failure("mkdtemp", errno)};
  return std::make_unique<ChildProcess>(std::move(folder));
}

Status<Failure> ChildProcess::start(const std::string& program, std::vector<std::string> arguments,
                                    std::vector<std::string> environment) {
  const std::string path = path_of(program);
  arguments.insert(arguments.begin(), path);
  std::vector<std::string> variables = environment_with(std::move(environment), folder_);
  const std::string log = log_file();
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = ::posix_spawn(&pid_, path.c_str(), &files, nullptr,
                                  pointers_to(arguments).data(), pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&files);
  if (error == 0) return Done{};
  pid_ = 0;
  return Unexpected{failure("cannot run " + path, error)};
}

Status<Failure> ChildProcess::wait_until(const std::function<bool()>& ready) const {
  const net::Fd folder{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  const net::Fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  if (::inotify_add_watch(folder.get(), folder_.c_str(), IN_CREATE | IN_MOVED_TO | IN_MODIFY) < 0) {
    return Unexpected{failure("cannot watch " + folder_, errno)};
  }
  const auto until = std::chrono::steady_clock::now() + kReadyWithin;
  while (!ready()) {
    siginfo_t ended{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == pid_) {
      return Unexpected{Failure{"it ended: " + last_line(log())}};
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Unexpected{Failure{"it did not start: " + last_line(log())}};
    std::array<pollfd, 2> waits{{{folder.get(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    static_cast<void>(::poll(waits.data(), waits.size(), static_cast<int>(left.count())));
    std::array<std::byte, 4096> events;  // what they say ready() finds out
    while (::read(folder.get(), events.data(), events.size()) > 0) {
    }
  }
  return Done{};
}

std::string ChildProcess::log() const {
  std::ifstream file{log_file()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

ChildProcess::~ChildProcess() {
  if (pid_ != 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace sluice::bench
