// ControlClient: a local tool's side of a relay's control socket. One question at a time; ask()
// runs the loop until the answer or its deadline, so it is for the start of a program, not for its
// life. The bytes are proto/schema/control.h's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/error.h"
#include "net/loop.h"
#include "net/pipe.h"
#include "proto/schema/control.h"

namespace sluice::client {

class ControlClient {
 public:
  /// For connect() alone.
  ControlClient(net::Loop& loop, std::string path, std::unique_ptr<net::PipeConnection> pipe);

  /// Errors: kUnreachable when nobody listens at `path`, kEnvironment when it may not be opened.
  static Result<std::unique_ptr<ControlClient>, Error> connect(net::Loop& loop,
                                                               const std::string& path);

  /// The answer. A Status other than ok is an Error (kRefused; kBadInput for what does not exist or
  /// is malformed), silence for 2 s another (kUnreachable).
  Result<schema::Message, Error> ask(schema::Message question);

 private:
  void handle_bytes(Bytes bytes);
  void handle_closed(net::CloseReason reason);
  void handle_deadline();
  void end_with(ExitCode code, const std::string& what);

  net::Loop& loop_;
  std::string path_;
  std::unique_ptr<net::PipeConnection> pipe_;
  net::Timer deadline_;
  schema::Caller caller_;
  std::optional<schema::Message> answer_;
  std::optional<Error> error_;
};

}  // namespace sluice::client
