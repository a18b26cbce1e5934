// WebSockets of HttpServer: texts to clients through bounded queues, pings, closes with a reason.
#include <algorithm>

#include "net/http_core.h"

namespace sluice::net {
namespace {

/// Proxies cut what is silent for 60 s. Who does not answer one ping until the next is gone.
constexpr Duration kPingInterval = std::chrono::seconds{25};

constexpr unsigned short kNormal = 1000, kTryLater = 1013;

/// The library's own number of a close frame, which its header leaves out. lws_close_reason(),
/// which it offers instead, closes after a text without sending the frame (4.1.6).
constexpr auto kWriteClose = static_cast<lws_write_protocol>(4);

/// For the client's close frame.
constexpr int kCloseSeconds = 5;

/// A close frame has 125 bytes for both.
constexpr std::size_t kReasonBytesMax = 123;

}  // namespace

void HttpServer::websockets(WebSocketHandlers handlers) {
  core_->socket_handlers = std::move(handlers);
}

bool HttpServer::send(WebSocketId id, std::string text) {
  Socket* const socket = core_->find_socket(id);
  if (socket == nullptr || socket->end_code != 0) return false;
  lws* const wsi = core_->socket_owners.at(static_cast<std::uint64_t>(id));
  if (socket->queued_bytes + text.size() > kSocketQueueBytesMax) {
    socket->queue.clear();
    core_->end_socket(wsi, *socket, kTryLater, "slow_listener");
    return false;
  }
  socket->queued_bytes += text.size();
  text.insert(0, LWS_PRE, '\0');  // headroom that the library writes into
  socket->queue.push_back(std::move(text));
  if (socket->open) lws_callback_on_writable(wsi);
  return true;
}

void HttpServer::close(WebSocketId id, std::string_view reason) {
  Socket* const socket = core_->find_socket(id);
  if (socket == nullptr || socket->end_code != 0) return;
  core_->end_socket(core_->socket_owners.at(static_cast<std::uint64_t>(id)), *socket, kNormal,
                    reason);
}

Socket* HttpServer::Core::find_socket(WebSocketId id) {
  const auto owner = socket_owners.find(static_cast<std::uint64_t>(id));
  return owner == socket_owners.end() ? nullptr : &sockets.at(owner->second);
}

void HttpServer::Core::end_socket(lws* wsi, Socket& socket, unsigned short code,
                                  std::string_view reason) {
  socket.end_code = code;
  socket.end_reason = reason.substr(0, kReasonBytesMax);
  if (socket.open) lws_callback_on_writable(wsi);
}

int HttpServer::Core::handle_socket(lws* wsi, lws_callback_reasons reason) {
  loop.refresh_now();
  if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE) return confirm_upgrade(wsi);
  const auto at = sockets.find(wsi);
  if (at == sockets.end()) return -1;
  if (reason == LWS_CALLBACK_ESTABLISHED) open_socket(wsi);
  if (reason == LWS_CALLBACK_SERVER_WRITEABLE) return write_socket(wsi, at->second);
  if (reason == LWS_CALLBACK_RECEIVE_PONG) at->second.pong_due = false;
  // The library would echo the answer to our own close frame, and browsers fail over a second one.
  if (reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE) return at->second.open ? 0 : -1;
  if (reason == LWS_CALLBACK_CLOSED) forget_socket(wsi);
  return 0;
}

/// 0: the library goes on with the upgrade; 1: the answer is out, it was a plain request.
int HttpServer::Core::confirm_upgrade(lws* wsi) {
  if (!socket_handlers.accept) return -1;
  HttpExchange exchange;
  char* uri = nullptr;
  int uri_length = 0;
  const int method = lws_http_get_uri_and_method(wsi, &uri, &uri_length);
  if (method != LWSHUMETH_GET || uri == nullptr || uri_length <= 0) return -1;
  read_head(wsi, exchange, {uri, static_cast<std::size_t>(uri_length)});
  exchange.id = ++last_id;
  const HttpRequest request{exchange.method,
                            exchange.path,
                            exchange.arguments,
                            exchange.host,
                            exchange.authorization,
                            exchange.content_type,
                            exchange.origin,
                            {},
                            HttpRequestId{exchange.id},
                            exchange.peer};
  const WebSocketId id{exchange.id};
  auto refusal = socket_handlers.accept(request, id);
  if (!refusal) {
    Socket& socket = sockets[wsi] = {};
    socket.id = id;
    socket_owners[exchange.id] = wsi;
    return 0;
  }
  exchange.response = *std::move(refusal);
  return write_answer(wsi, exchange) < 0 ? -1 : 1;
}

void HttpServer::Core::open_socket(lws* wsi) {
  Socket& socket = sockets.at(wsi);
  socket.open = true;
  const WebSocketId id = socket.id;
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
  if (!ping) {
    ping.emplace(loop, Callback<>::to<&Core::on_ping>(this));
    ping->arm_in(kPingInterval);
  }
  if (socket_handlers.opened) socket_handlers.opened(id);
  lws_callback_on_writable(wsi);
}

int HttpServer::Core::write_socket(lws* wsi, Socket& socket) {
  if (socket.ping_due) {
    socket.ping_due = false;
    std::array<char, LWS_PRE> empty{};
    if (lws_write(wsi, as_uchars(empty.data() + LWS_PRE), 0, LWS_WRITE_PING) < 0) return -1;
    lws_callback_on_writable(wsi);
    return 0;
  }
  if (!socket.queue.empty()) {
    std::string text = std::move(socket.queue.front());
    socket.queue.pop_front();
    const std::size_t size = text.size() - LWS_PRE;
    socket.queued_bytes -= size;
    if (lws_write(wsi, as_uchars(text.data() + LWS_PRE), size, LWS_WRITE_TEXT) < 0) return -1;
    if (!socket.queue.empty() || socket.end_code != 0) lws_callback_on_writable(wsi);
    return 0;
  }
  return socket.end_code == 0 ? 0 : write_end(wsi, socket);
}

/// The frame that says why; the client's own, or the time-out, ends the connection.
int HttpServer::Core::write_end(lws* wsi, Socket& socket) {
  if (!socket.open) return 0;
  socket.open = false;
  std::string frame(LWS_PRE, '\0');
  frame += static_cast<char>(socket.end_code >> 8U);
  frame += static_cast<char>(socket.end_code & 0xFFU);
  frame += socket.end_reason;
  const std::size_t size = frame.size() - LWS_PRE;
  if (lws_write(wsi, as_uchars(frame.data() + LWS_PRE), size, kWriteClose) < 0) return -1;
  lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, kCloseSeconds);
  return 0;
}

void HttpServer::Core::forget_socket(lws* wsi) {
  const auto at = sockets.find(wsi);
  if (at == sockets.end()) return;
  const WebSocketId id = at->second.id;
  socket_owners.erase(static_cast<std::uint64_t>(id));
  sockets.erase(at);
  if (socket_handlers.closed) socket_handlers.closed(id);
}

void HttpServer::Core::on_ping() {
  ping->arm_in(kPingInterval);
  for (auto& [wsi, socket] : sockets) {
    if (!socket.open) continue;
    if (socket.pong_due) {
      lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
      continue;
    }
    socket.ping_due = socket.pong_due = true;
    lws_callback_on_writable(wsi);
  }
}

}  // namespace sluice::net
