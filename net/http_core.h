// HttpServer::Core: what http.cpp and http_socket.cpp share, with libwebsockets' types in it. For
// them alone.
#pragma once

#include <libwebsockets.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/acceptor.h"
#include "net/hang_up.h"
#include "net/http.h"

namespace sluice::net {

/// One request being read and answered. Hangs on the library's connection.
struct HttpExchange {
  std::string method, path;
  std::vector<std::string> arguments;
  std::string host, authorization, content_type, origin;
  std::string body;
  HttpResponse response;
  bool head = false;      // answer without the body
  bool answered = false;  // the response is out
  bool closes = false;    // the rest of the request is not wanted
  bool reused = false;    // not the connection's first request
  bool due = false;       // it has come, and goes out when the connection may be written
  std::uint64_t id = 0;
  Address peer;
};

/// A WebSocket, from when it was accepted.
struct Socket {
  WebSocketId id{};
  std::deque<std::string> queue;  // each with room for the library's frame before it
  std::size_t queued_bytes = 0;
  bool open = false;
  bool ping_due = false;
  bool pong_due = false;
  unsigned short end_code = 0;  // not 0: it ends when the queue is out
  std::string end_reason;
};

/// What the library keeps for each connection: zeroed by it, so a plain pointer.
struct Slot {
  HttpExchange* exchange;
};

struct HttpServer::Core {
  Core(Loop& on, const HttpLimits& chosen) : loop(on), limits(chosen) {}

  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                      std::size_t length);

  Status<Failure> create_context();
  void adopt(Fd fd);
  void finish();

  int handle(lws* wsi, lws_callback_reasons reason, Slot& slot, std::string_view in);
  int begin(lws* wsi, Slot& slot, std::string_view path);
  void read_head(lws* wsi, HttpExchange& exchange, std::string_view path);
  int take_body(lws* wsi, HttpExchange& exchange, std::string_view bytes);
  int refuse(lws* wsi, HttpExchange& exchange, int status);
  int answer(lws* wsi, HttpExchange& exchange);
  int park(lws* wsi, HttpExchange& exchange);
  int write_due(lws* wsi, HttpExchange& exchange);
  bool answer_parked(HttpRequestId id, HttpResponse response);
  void forget(Slot& slot);

  // http_socket.cpp
  int handle_socket(lws* wsi, lws_callback_reasons reason);
  int confirm_upgrade(lws* wsi);
  int write_socket(lws* wsi, Socket& socket);
  int write_end(lws* wsi, Socket& socket);
  void open_socket(lws* wsi);
  void forget_socket(lws* wsi);
  void end_socket(lws* wsi, Socket& socket, unsigned short code, std::string_view reason);
  void on_ping();
  Socket* find_socket(WebSocketId id);

  bool unpark(std::uint64_t id);
  void on_hang_up(std::uint64_t id);
  void count_out(lws* wsi);
  int write(lws* wsi, HttpExchange& exchange);
  bool write_header(lws* wsi, const HttpExchange& exchange) const;
  int write_answer(lws* wsi, HttpExchange& exchange);
  std::string allowed_methods(const std::string& path) const;

  Loop& loop;
  HttpLimits limits;
  HttpFallback fallback;
  std::uint64_t last_id = 0;
  std::unordered_map<std::uint64_t, std::pair<lws*, HttpExchange*>> parked;
  WebSocketHandlers socket_handlers;
  HttpTls tls;
  std::unordered_map<lws*, Socket> sockets;
  std::unordered_map<std::uint64_t, lws*> socket_owners;
  std::optional<Timer> ping;                                          // from the first WebSocket on
  std::unordered_map<lws*, Address> peers;                            // of every connection
  std::map<Address, unsigned> peer_connections;                       // by host_of()
  std::map<std::pair<std::string, std::string>, HttpHandler> routes;  // by path, then method
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::unique_ptr<HangUpWatch> hang_ups;  // of those parked
  lws_context* context = nullptr;
  lws_vhost* vhost = nullptr;
  std::array<lws_protocols, 2> protocols{};
};

inline unsigned char* as_uchars(char* text) { return reinterpret_cast<unsigned char*>(text); }

}  // namespace sluice::net
