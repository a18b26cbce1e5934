// HttpServer: HTTP/1.1 with keep-alive on the Loop, by libwebsockets (which stays in http*.cpp).
// Routes are exact paths with a handler that answers at once; HEAD follows GET. What no route wants
// goes to the fallback, which may answer later; without one it gets 404 or 405 with Allow. Bodies
// end at 64 KiB (411, 413), request headers at 8 KiB, idle connections after 30 s.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace sluice::net {

/// A request's body. Larger gets 413 before a byte of it is read; half would refuse a room blob's
/// JSON.
inline constexpr std::size_t kHttpBodyBytesMax = 64U << 10U;

/// Names a request whose answer comes later. Never used twice.
enum class HttpRequestId : std::uint64_t {};

struct HttpRequest {
  std::string_view method;                 // upper case; GET for a HEAD
  std::string_view path;                   // percent-decoded, no query
  std::span<const std::string> arguments;  // "name=value" of the query, percent-decoded
  std::string_view host, authorization, content_type, origin;  // empty when not sent
  Bytes body;
  HttpRequestId id{};
  Address peer;  // who is connected; with a proxy in between, the proxy

  /// The value of a query argument; empty when it is not there.
  std::string_view argument(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Further header fields, names in lower case without a colon.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// Runs on the loop's thread and must not block.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// What a server's owner may choose. Connections: metrics and health need tens, the rest is for
/// storms; each costs some 2 KiB, and while its headers are read 8 KiB more.
struct HttpLimits {
  unsigned connections = 1024;
  unsigned connections_per_address = 1024;
};

/// For all that no route wants, whatever its method.
struct HttpFallback {
  /// Nothing: HttpServer::answer() will say it, within what the client has of patience. Nothing
  /// more is read from that connection meanwhile; a client that hangs up is let go, unheard.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> handler;
  /// The answer to what never becomes a request for the handler: 400, 411 or 413.
  std::function<HttpResponse(int status, std::string_view path)> refusal;
  /// A request that was left open has lost its client.
  std::function<void(HttpRequestId)> gone{};
};

/// Names a WebSocket. Never used twice.
enum class WebSocketId : std::uint64_t {};

/// Bytes that wait for one WebSocket's client. Half cuts who gets all that was kept of a full room
/// at once (a quarter MiB); double is memory for who does not read.
inline constexpr std::size_t kSocketQueueBytesMax = 512U << 10U;

/// WebSockets carry texts from us to the client; what comes from there is not read.
struct WebSocketHandlers {
  /// Nothing: it is accepted, and texts may be sent. Else the answer to the request.
  std::function<std::optional<HttpResponse>(const HttpRequest&, WebSocketId)> accept;
  std::function<void(WebSocketId)> opened;
  std::function<void(WebSocketId)> closed;  // also when it was accepted and never opened
};

/// PEM files; TLS 1.2 at least.
struct HttpTls {
  std::string certificate;  // with its chain; empty: no TLS
  std::string key;
};

class HttpServer {
 public:
  explicit HttpServer(Loop& loop, const HttpLimits& limits = {});

  /// Cuts all connections. The loop must run or close afterwards for libwebsockets to let go.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Before the first listen(). One handler a (method, path): a second one replaces it.
  void route(std::string_view method, std::string_view path, HttpHandler handler);

  /// Before the first listen().
  void fallback(HttpFallback fallback);

  /// Before the first listen(). Without, requests to upgrade are hung up on.
  void websockets(WebSocketHandlers handlers);

  /// Before the first listen().
  void tls(HttpTls files);

  /// False when the WebSocket is gone, or its queue is full: then it is closed as slow_listener.
  bool send(WebSocketId id, std::string text);

  /// After what was sent.
  void close(WebSocketId id, std::string_view reason);

  /// The answer to a request that the fallback left open; false when its client has gone, or it was
  /// answered.
  bool answer(HttpRequestId id, HttpResponse response);

  /// May be called several times. The result is where, with the port chosen for 0.
  Result<Address, Failure> listen(const Address& address);

 private:
  struct Core;  // outlives the server until libwebsockets has closed its handles
  Core* core_;
};

}  // namespace sluice::net
