// Acceptor: takes connections off a listening socket and hands their descriptors on. Under the TCP,
// Unix and HTTP listeners. When the process has no descriptor left it pauses instead of spinning.
#pragma once

#include "net/callback.h"
#include "net/loop.h"
#include "net/socket.h"
#include "proto/base/result.h"

namespace sluice::net {

class Acceptor {
 public:
  /// The callback may destroy the acceptor only from outside of itself.
  Acceptor(Loop& loop, Callback<Fd> on_connection);

  /// Listens on a bound stream socket; accepted descriptors are non-blocking and close-on-exec.
  Status<Failure> open(Fd bound);

  int fd() const { return fd_.get(); }

 private:
  void handle_ready(unsigned events);
  void resume();

  Callback<Fd> on_connection_;
  Loop& loop_;
  Fd fd_;
  Timer pause_;
  Poll poll_;
};

}  // namespace sluice::net
