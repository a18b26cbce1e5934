// Unix stream sockets for the control socket. The listener's file has mode 0600 from its first
// moment, and each peer's uid (SO_PEERCRED) must be our own or root's; others are closed unheard
// and counted. A file left by a dead process is replaced, one that answers is "in use".
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "net/acceptor.h"
#include "net/callback.h"
#include "net/counter.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/uv_stream.h"
#include "proto/base/result.h"

namespace sluice::net {

class PipeConnection final : public UvStream<uv_pipe_t> {
 public:
  /// For connect() and adopt() alone.
  explicit PipeConnection(Loop& loop) : UvStream(loop) {}

  /// Connects at once: a Unix socket answers or fails without waiting.
  static Result<std::unique_ptr<PipeConnection>, Failure> connect(Loop& loop,
                                                                  const std::string& path);

  static Result<std::unique_ptr<PipeConnection>, Failure> adopt(Loop& loop, Fd fd);

  uid_t peer_uid() const { return peer_uid_; }

 private:
  uid_t peer_uid_ = 0;
};

/// The rule of the control socket.
constexpr bool may_control(uid_t peer, uid_t own) { return peer == own || peer == 0; }

class PipeListener {
 public:
  PipeListener(Loop& loop, Callback<std::unique_ptr<PipeConnection>> on_connection);

  /// Removes the socket's file, if it is still ours.
  ~PipeListener();

  PipeListener(const PipeListener&) = delete;
  PipeListener& operator=(const PipeListener&) = delete;

  Status<Failure> listen(const std::string& path);

  const std::string& path() const { return path_; }

  std::uint64_t refused_peers() const { return refused_peers_.value(); }

 private:
  void handle_connection(Fd fd);

  Loop& loop_;
  Callback<std::unique_ptr<PipeConnection>> on_connection_;
  Counter refused_peers_;
  std::string path_;
  ino_t inode_ = 0;  // of the file we made
  Acceptor acceptor_;
};

}  // namespace sluice::net
