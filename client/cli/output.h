// Output: where a pull writes, a file or stdout. A pipe is never waited for: what it does not take
// is queued, up to a limit, and written when it becomes writable. A reader that goes away ends the
// pull in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/error.h"
#include "net/loop.h"
#include "net/socket.h"
#include "proto/base/bytes.h"

namespace sluice::client {

class Output {
 public:
  enum class State : std::uint8_t { kOpen, kReaderGone, kFailed };

  /// "-" is stdout; an empty path throws everything away. A file is emptied by the first write, and
  /// one that was made for nothing goes again: a pull that is refused destroys no recording.
  static Result<std::unique_ptr<Output>, Error> open(net::Loop& loop, const std::string& path);

  /// For open() alone.
  Output(net::Loop& loop, std::string name);
  ~Output();

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(Bytes bytes);

  State state() const { return state_; }

  /// Of kFailed: a full disk, or a reader that is too slow for too long.
  const Error& error() const { return error_; }

  /// Everything was taken, or never will be.
  bool drained() const { return queue_.size() == taken_ || state_ != State::kOpen; }

 private:
  void handle_writable(unsigned events);
  void write_file(Bytes bytes);
  void fail_with(const std::string& what);

  /// Unwritten bytes of a pipe: a minute of 8 Mbit/s. A reader that is further behind will not
  /// catch up.
  static constexpr std::size_t kQueueBytesMax = 64U << 20U;

  std::string name_;
  int fd_ = -1;
  bool is_pipe_ = false;
  bool made_ = false;     // the file was not there before
  bool written_ = false;  // something went into it
  net::Fd owned_fd_;
  std::vector<std::byte> queue_;
  std::size_t taken_ = 0;
  State state_ = State::kOpen;
  Error error_;
  net::Poll poll_;  // last: destroyed before the descriptor it watches
};

}  // namespace sluice::client
