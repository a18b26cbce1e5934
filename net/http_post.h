// HttpPost: one POST at a time over HTTP/1.1, with TLS where the URL says https, and the status of
// its answer: enough to tell others what happened. Whatever the other end does, it ends within
// kPostTimeout. Redirects are not followed, and no byte of a body is read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/http_url.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

namespace sluice::net {

/// For resolving, connecting and the answer's first line together. Half is short for a receiver
/// that wakes up; double holds up what waits behind.
inline constexpr Duration kPostTimeout = std::chrono::seconds{5};

struct PostResult {
  int status = 0;     // 0: no answer
  std::string error;  // why not
};

class HttpPost {
 public:
  HttpPost(Loop& loop, HttpUrl target, Callback<const PostResult&> on_done);

  /// Only when none is under way. The answer never comes from inside this call.
  void post(const std::string& body,
            const std::vector<std::pair<std::string, std::string>>& fields);

  bool busy() const { return !request_.empty(); }

 private:
  void handle_resolved(const ResolvedAddresses& addresses);
  void handle_open();
  void handle_bytes(Bytes bytes);
  void handle_closed(CloseReason reason);
  void handle_timeout();
  void handle_hangup();
  void finish(PostResult result);

  Loop& loop_;
  HttpUrl target_;
  Callback<const PostResult&> on_done_;
  Resolver resolver_;
  Timer deadline_;
  Timer hangup_;  // destroys the connection outside of its own calls
  std::optional<TlsContext> tls_;
  std::unique_ptr<ByteStream> connection_;
  std::string request_, answer_;
};

}  // namespace sluice::net
