#include "client/cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/stat.h>

namespace sluice::client {

Output::Output(net::Loop& loop, std::string name)
    : name_(std::move(name)),
      poll_(loop, net::Callback<unsigned>::to<&Output::handle_writable>(this)) {}

Result<std::unique_ptr<Output>, Error> Output::open(net::Loop& loop, const std::string& path) {
  const bool is_stdout = path == "-";
  auto output = std::make_unique<Output>(loop, is_stdout ? "stdout" : path);
  if (path.empty()) return output;
  if (is_stdout) {
    output->fd_ = STDOUT_FILENO;
  } else {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC;
    output->owned_fd_ = net::Fd{::open(path.c_str(), kFlags | O_EXCL, 0666)};
    output->made_ = output->owned_fd_.valid();
    if (!output->made_) output->owned_fd_ = net::Fd{::open(path.c_str(), kFlags, 0666)};
    output->fd_ = output->owned_fd_.get();
    if (output->fd_ < 0) {
      return fail(ExitCode::kEnvironment, path + ": cannot write: " + std::strerror(errno));
    }
  }

  struct stat info {};

  const bool known = ::fstat(output->fd_, &info) == 0;
  output->is_pipe_ = known && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
  if (output->is_pipe_) {
    // Polling makes a descriptor non-blocking, for all who share it; so it shall be one of our own.
    // A socket cannot be opened again and stays shared.
    net::Fd own{::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    if (is_stdout && own.valid()) {
      output->owned_fd_ = std::move(own);
      output->fd_ = output->owned_fd_.get();
    }
    if (const auto polled = output->poll_.open(output->fd_); !polled) {
      return fail(ExitCode::kEnvironment, polled.error().message);
    }
  }
  return output;
}

Output::~Output() {
  if (made_ && !written_) ::unlink(name_.c_str());
}

void Output::write(Bytes bytes) {
  if (state_ != State::kOpen || bytes.empty() || fd_ < 0) return;
  if (!is_pipe_) return write_file(bytes);
  if (queue_.size() - taken_ + bytes.size() > kQueueBytesMax) {
    return fail_with("its reader is too slow: 64 MiB wait for it");
  }
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  poll_.watch(net::Poll::kWritable);
}

void Output::handle_writable(unsigned events) {
  if (events == 0) return;
  const ssize_t written = ::write(fd_, queue_.data() + taken_, queue_.size() - taken_);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written < 0 && errno == EPIPE) {
    state_ = State::kReaderGone;
  } else if (written < 0) {
    fail_with(std::string{"cannot write: "} + std::strerror(errno));
  } else {
    taken_ += static_cast<std::size_t>(written);
  }
  if (taken_ == queue_.size() || taken_ >= kQueueBytesMax / 16) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  if (drained()) poll_.watch(0);
}

void Output::write_file(Bytes bytes) {
  // Devices cannot be emptied and need not be; a stdout belongs to who opened it.
  if (!std::exchange(written_, true) && owned_fd_.valid()) static_cast<void>(::ftruncate(fd_, 0));
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_with(std::string{"cannot write: "} + std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void Output::fail_with(const std::string& what) {
  state_ = State::kFailed;
  error_ = {ExitCode::kEnvironment, name_ + ": " + what};
}

}  // namespace sluice::client
