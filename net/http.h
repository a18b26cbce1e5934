// HttpServer: HTTP/1.1 with keep-alive on the Loop, by libwebsockets (which stays in http.cpp).
// Routes are exact paths with a handler that answers at once; HEAD follows GET. What no route wants
// gets 404, 405 with Allow, 411 or 413; bodies end at 64 KiB, request headers at 8 KiB, idle
// connections after 30 s.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace sluice::net {

/// A request's body. Larger gets 413 before a byte of it is read; half would refuse a room blob's
/// JSON.
inline constexpr std::size_t kHttpBodyBytesMax = 64U << 10U;

struct HttpRequest {
  std::string_view method;                 // upper case; GET for a HEAD
  std::string_view path;                   // percent-decoded, no query
  std::span<const std::string> arguments;  // "name=value" of the query, percent-decoded
  std::string_view host, authorization, content_type, origin;  // empty when not sent
  Bytes body;

  /// The value of a query argument; empty when it is not there.
  std::string_view argument(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Runs on the loop's thread and must not block.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  explicit HttpServer(Loop& loop);

  /// Cuts all connections. The loop must run or close afterwards for libwebsockets to let go.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Before the first listen(). One handler a (method, path): a second one replaces it.
  void route(std::string_view method, std::string_view path, HttpHandler handler);

  /// May be called several times. The result is where, with the port chosen for 0.
  Result<Address, Failure> listen(const Address& address);

 private:
  struct Core;  // outlives the server until libwebsockets has closed its handles
  Core* core_;
};

}  // namespace sluice::net
