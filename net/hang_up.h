// HangUpWatch: says when the other end of a TCP connection has gone, for connections from which
// nothing is read meanwhile: an epoll descriptor of its own, watched by the Loop. One system call
// to add or remove, none while nothing happens.
#pragma once

#include <cstdint>

#include "net/callback.h"
#include "net/loop.h"
#include "net/socket.h"
#include "proto/base/result.h"

namespace sluice::net {

class HangUpWatch {
 public:
  /// The callback gets the number that add() gave to the connection, once, and may remove any.
  HangUpWatch(Loop& loop, Callback<std::uint64_t> on_hang_up);

  /// Fails when the process may open no further descriptor.
  Status<Failure> open();

  /// An end that only promises to send nothing more counts as gone. False when the kernel refuses.
  bool add(int fd, std::uint64_t number);

  /// Before `fd` is closed, or answered.
  void remove(int fd);

 private:
  void handle_ready(unsigned events);

  Callback<std::uint64_t> on_hang_up_;
  Fd fd_;
  Poll poll_;
};

}  // namespace sluice::net
