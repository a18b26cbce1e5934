#include "net/http.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/address.h"
#include "net/http_core.h"
#include "net/http_syntax.h"
#include "net/log.h"
#include "net/socket.h"
#include "proto/base/check.h"

namespace sluice::net {

namespace {

/// All header fields of one request. Half refuses some browsers' cookies; double is what a flood
/// costs.
constexpr unsigned short kHeaderBytesMax = 8U << 10U;

/// Requests whose headers are being read at one time, at least: 8 KiB each while they last; more
/// connections wait their turn.
constexpr unsigned kParsingMin = 256;

/// A request, or its next byte, must come within this; between requests a connection may idle
/// longer.
constexpr unsigned kRequestSeconds = 10;
constexpr int kKeepAliveSeconds = 30;

/// Status line and our header fields.
constexpr std::size_t kAnswerHeaderBytes = 2048;

std::string header_of(lws* wsi, lws_token_indexes token) {
  const int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return {};
  std::string value(static_cast<std::size_t>(length) + 1, '\0');  // the library adds a zero
  const int copied = lws_hdr_copy(wsi, value.data(), length + 1, token);
  value.resize(copied < 0 ? 0 : static_cast<std::size_t>(copied));
  return value;
}

std::vector<std::string> arguments_of(lws* wsi) {
  std::vector<std::string> arguments;
  for (int i = 0;; ++i) {
    const int length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
    if (length <= 0) return arguments;
    std::string argument(static_cast<std::size_t>(length) + 1, '\0');  // the library adds a zero
    if (lws_hdr_copy_fragment(wsi, argument.data(), length + 1, WSI_TOKEN_HTTP_URI_ARGS, i) < 0) {
      return arguments;
    }
    argument.pop_back();
    arguments.push_back(std::move(argument));
  }
}

std::string_view method_name(int index) {
  switch (index) {
    case LWSHUMETH_GET:
    case LWSHUMETH_HEAD:
      return "GET";
    case LWSHUMETH_POST:
      return "POST";
    case LWSHUMETH_PUT:
      return "PUT";
    case LWSHUMETH_PATCH:
      return "PATCH";
    case LWSHUMETH_DELETE:
      return "DELETE";
    case LWSHUMETH_OPTIONS:
      return "OPTIONS";
    default:
      return "";
  }
}

void library_log(int level, const char* line) {
  static LogLimit limit;
  std::string_view text{line};
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  log_limited(limit, level == LLL_ERR ? LogLevel::kWarning : LogLevel::kDebug, "http_library",
              {{"text", text}});
}

}  // namespace

std::string_view HttpRequest::argument(std::string_view name) const {
  for (const std::string_view pair : arguments) {
    if (pair.substr(0, pair.find('=')) != name) continue;
    return pair.size() == name.size() ? std::string_view{} : pair.substr(name.size() + 1);
  }
  return {};
}

HttpServer::HttpServer(Loop& loop, const HttpLimits& limits)
    : core_(std::make_unique<Core>(loop, limits).release()) {
  loop.at_close(Callback<>::to<&Core::finish>(core_));
}

HttpServer::~HttpServer() {
  core_->acceptors.clear();
  core_->routes.clear();
  core_->fallback = {};
  core_->parked.clear();
  core_->socket_handlers = {};
  core_->ping.reset();
  core_->hang_ups.reset();
  // The first of two calls: it closes the connections and asks the loop to close their handles.
  if (core_->context != nullptr) lws_context_destroy(core_->context);
}

void HttpServer::route(std::string_view method, std::string_view path, HttpHandler handler) {
  core_->routes[{std::string{path}, std::string{method}}] = std::move(handler);
}

void HttpServer::tls(HttpTls files) { core_->tls = std::move(files); }

void HttpServer::fallback(HttpFallback fallback) { core_->fallback = std::move(fallback); }

bool HttpServer::answer(HttpRequestId id, HttpResponse response) {
  return core_->answer_parked(id, std::move(response));
}

Result<Address, Failure> HttpServer::listen(const Address& address) {
  auto fd = open_bound(address, {.type = SOCK_STREAM, .reuse_port = false});
  if (!fd) return Unexpected{fd.error()};
  const Address bound = bound_address(fd->get());
  if (core_->context == nullptr) {
    if (auto created = core_->create_context(); !created) return Unexpected{created.error()};
  }
  auto acceptor = std::make_unique<Acceptor>(core_->loop, Callback<Fd>::to<&Core::adopt>(core_));
  if (auto opened = acceptor->open(std::move(*fd)); !opened) return Unexpected{opened.error()};
  core_->acceptors.push_back(std::move(acceptor));
  return bound;
}

Status<Failure> HttpServer::Core::create_context() {
  hang_ups =
      std::make_unique<HangUpWatch>(loop, Callback<std::uint64_t>::to<&Core::on_hang_up>(this));
  if (auto opened = hang_ups->open(); !opened) return opened;
  lws_set_log_level(LLL_ERR | LLL_WARN, library_log);
  protocols[0] = {"http", callback, sizeof(Slot), 0, 0, this, 0};
  void* loops[] = {loop.uv()};
  lws_context_creation_info info{};
  info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.foreign_loops = loops;
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;  // sockets come from our acceptors
  info.protocols = protocols.data();
  info.server_string = "sluice";
  info.max_http_header_data = kHeaderBytesMax;
  info.max_http_header_pool = static_cast<unsigned short>(
      std::clamp<unsigned>(limits.connections, kParsingMin, UINT16_MAX));
  info.fd_limit_per_thread = limits.connections;
  info.user = this;
  info.timeout_secs = kRequestSeconds;
  info.timeout_secs_ah_idle = kRequestSeconds;
  info.keepalive_timeout = kKeepAliveSeconds;
  info.gid = info.uid = -1;
  if (!tls.certificate.empty()) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_cert_filepath = tls.certificate.c_str();
    info.ssl_private_key_filepath = tls.key.c_str();
    info.ssl_options_set = static_cast<long>(SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
  }
  context = lws_create_context(&info);
  if (context != nullptr) vhost = lws_create_vhost(context, &info);
  if (vhost != nullptr) return Done{};
  if (context != nullptr && !tls.certificate.empty()) {
    return Unexpected{Failure{"TLS: " + tls.certificate + " and " + tls.key +
                              " are no certificate chain and its key, in PEM"}};
  }
  return Unexpected{
      Failure{"libwebsockets cannot run on our loop: is its libuv plugin "
              "(Debian: libwebsockets-evlib-uv) installed?"}};
}

void HttpServer::Core::adopt(Fd fd) {
  const int on = 1;
  // Without it an answer's last piece may wait for an acknowledgement; a refusal costs latency
  // only.
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  const Address host = host_of(peer_address(fd.get()));
  const auto at = peer_connections.find(host);
  if (at != peer_connections.end() && at->second >= limits.connections_per_address) return;
  lws_sock_file_fd_type adopted{};
  adopted.sockfd = fd.release();
  // On failure, the limit of connections for one, the library closes the descriptor.
  lws* const wsi = lws_adopt_descriptor_vhost(
      vhost,
      static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP |
                                     (tls.certificate.empty() ? 0 : LWS_ADOPT_ALLOW_SSL)),
      adopted, nullptr, nullptr);
  if (wsi == nullptr) return;
  ++peer_connections[host];
  peers[wsi] = host;
}

void HttpServer::Core::count_out(lws* wsi) {
  const auto at = peers.find(wsi);
  if (at == peers.end()) return;
  const auto counted = peer_connections.find(at->second);
  if (counted != peer_connections.end() && --counted->second == 0) peer_connections.erase(counted);
  peers.erase(at);
}

/// When the loop has closed all handles: the second call frees the context.
void HttpServer::Core::finish() {
  const std::unique_ptr<Core> self{this};
  if (context != nullptr) lws_context_destroy(context);
}

int HttpServer::Core::callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                               std::size_t length) {
  auto* const core =
      wsi == nullptr ? nullptr : static_cast<Core*>(lws_context_user(lws_get_context(wsi)));
  if (reason == LWS_CALLBACK_WSI_DESTROY && core != nullptr) {
    core->forget_socket(wsi);
    core->count_out(wsi);
    return 0;
  }
  // A request to upgrade has no Slot yet, and a WebSocket needs none.
  const bool of_socket =
      reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE || reason == LWS_CALLBACK_ESTABLISHED ||
      reason == LWS_CALLBACK_SERVER_WRITEABLE || reason == LWS_CALLBACK_RECEIVE_PONG ||
      reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE || reason == LWS_CALLBACK_RECEIVE ||
      reason == LWS_CALLBACK_CLOSED;
  if (of_socket) return core == nullptr ? 0 : core->handle_socket(wsi, reason);
  const lws_protocols* protocol = wsi == nullptr ? nullptr : lws_get_protocol(wsi);
  if (protocol == nullptr || protocol->user == nullptr || user == nullptr) return 0;
  const std::string_view text{static_cast<const char*>(in), in == nullptr ? 0 : length};
  return static_cast<Core*>(protocol->user)->handle(wsi, reason, *static_cast<Slot*>(user), text);
}

int HttpServer::Core::handle(lws* wsi, lws_callback_reasons reason, Slot& slot,
                             std::string_view in) {
  if (reason == LWS_CALLBACK_HTTP) return begin(wsi, slot, in);
  if (slot.exchange == nullptr) return 0;
  switch (reason) {
    case LWS_CALLBACK_HTTP_BODY:
      return take_body(wsi, *slot.exchange, in);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return answer(wsi, *slot.exchange);
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return write_due(wsi, *slot.exchange);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
      forget(slot);
      return 0;
    default:  // the library tells of much that is none of a plain server's business
      return 0;
  }
}

void HttpServer::Core::forget(Slot& slot) {
  const std::unique_ptr<HttpExchange> exchange{std::exchange(slot.exchange, nullptr)};
  const bool waited = unpark(exchange->id);
  if (waited && fallback.gone) fallback.gone(HttpRequestId{exchange->id});
}

/// Its connection has gone: nobody would read the answer.
void HttpServer::Core::on_hang_up(std::uint64_t id) {
  const auto at = parked.find(id);
  if (at == parked.end()) return;
  lws_set_timeout(at->second.first, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

bool HttpServer::Core::unpark(std::uint64_t id) {
  const auto at = parked.find(id);
  if (at == parked.end()) return false;
  if (hang_ups) hang_ups->remove(lws_get_socket_fd(at->second.first));
  parked.erase(at);
  return true;
}

int HttpServer::Core::begin(lws* wsi, Slot& slot, std::string_view path) {
  loop.refresh_now();
  if (slot.exchange == nullptr) slot.exchange = std::make_unique<HttpExchange>().release();
  unpark(slot.exchange->id);
  HttpExchange& exchange = *slot.exchange = {};
  exchange.id = ++last_id;
  // The exchange dies with its transaction; this mark stays with the connection.
  exchange.reused = lws_get_opaque_user_data(wsi) != nullptr;
  lws_set_opaque_user_data(wsi, this);
  read_head(wsi, exchange, path);
  const std::string length_text = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  const auto length = content_length(length_text);
  const bool chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
  const bool body_follows = chunked || !length || *length > 0;
  exchange.closes = body_follows;  // unless it is read below
  if (!fallback.handler && routes.count({exchange.path, exchange.method}) == 0) {
    return refuse(wsi, exchange, allowed_methods(exchange.path).empty() ? 404 : 405);
  }
  if (!carries_body(exchange.method)) {
    return body_follows ? refuse(wsi, exchange, 400) : answer(wsi, exchange);
  }
  if (chunked || length_text.empty()) return exchange.closes = true, refuse(wsi, exchange, 411);
  if (!length || *length > kHttpBodyBytesMax) return refuse(wsi, exchange, 413);
  exchange.closes = false;
  exchange.body.reserve(*length);
  return 0;  // also for an empty body the library tells when it is complete
}

void HttpServer::Core::read_head(lws* wsi, HttpExchange& exchange, std::string_view path) {
  char* uri = nullptr;
  int uri_length = 0;
  const int method = lws_http_get_uri_and_method(wsi, &uri, &uri_length);
  exchange.method = method_name(method);
  exchange.head = method == LWSHUMETH_HEAD;
  exchange.path = path;
  exchange.arguments = arguments_of(wsi);
  exchange.host = header_of(wsi, WSI_TOKEN_HOST);
  exchange.authorization = header_of(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  exchange.content_type = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  exchange.origin = header_of(wsi, WSI_TOKEN_ORIGIN);
  exchange.peer = peer_address(lws_get_socket_fd(wsi));
}

int HttpServer::Core::take_body(lws* wsi, HttpExchange& exchange, std::string_view bytes) {
  if (exchange.answered) return -1;
  if (exchange.reused && exchange.body.empty() && is_misread_body(bytes, exchange.method))
    return -1;
  if (bytes.size() > kHttpBodyBytesMax - exchange.body.size()) {
    exchange.closes = true;
    return refuse(wsi, exchange, 413);
  }
  exchange.body += bytes;
  return 0;
}

std::string HttpServer::Core::allowed_methods(const std::string& path) const {
  std::string methods;
  for (auto at = routes.lower_bound({path, ""}); at != routes.end() && at->first.first == path;
       ++at) {
    methods += (methods.empty() ? "" : ", ") + at->first.second;
    if (at->first.second == "GET") methods += ", HEAD";
  }
  return methods;
}

int HttpServer::Core::refuse(lws* wsi, HttpExchange& exchange, int status) {
  if (fallback.refusal) {
    exchange.response = fallback.refusal(status, exchange.path);
  } else {
    exchange.response.body = std::to_string(status) + "\n";
  }
  exchange.response.status = status;
  if (status == 405) exchange.response.headers = {{"allow", allowed_methods(exchange.path)}};
  return write(wsi, exchange);
}

int HttpServer::Core::answer(lws* wsi, HttpExchange& exchange) {
  // Told twice: a pipelined request waits behind an answer that its client does not read.
  if (exchange.answered) return -1;
  const HttpRequest request{exchange.method, exchange.path,           exchange.arguments,
                            exchange.host,   exchange.authorization,  exchange.content_type,
                            exchange.origin, as_bytes(exchange.body), HttpRequestId{exchange.id},
                            exchange.peer};
  const auto route = routes.find({exchange.path, exchange.method});
  if (route != routes.end()) {
    exchange.response = route->second(request);
    return write(wsi, exchange);
  }
  auto response = fallback.handler(request);
  if (!response) return park(wsi, exchange);
  exchange.response = *std::move(response);
  return write(wsi, exchange);
}

/// The transaction stays open. Nothing more is read meanwhile: a pipelined request would keep the
/// library calling back for ever (4.1.6). What was read is let go, with the library's 8 KiB of
/// headers: a thousand may wait.
int HttpServer::Core::park(lws* wsi, HttpExchange& exchange) {
  if (!hang_ups->add(lws_get_socket_fd(wsi), exchange.id)) return -1;
  parked[exchange.id] = {wsi, &exchange};
  exchange.arguments = {};
  for (std::string* text : {&exchange.path, &exchange.host, &exchange.authorization,
                            &exchange.content_type, &exchange.origin, &exchange.body}) {
    *text = {};
  }
  lws_http_headers_detach(wsi);
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
  return lws_rx_flow_control(wsi, 0) < 0 ? -1 : 0;
}

bool HttpServer::Core::answer_parked(HttpRequestId id, HttpResponse response) {
  const auto at = parked.find(static_cast<std::uint64_t>(id));
  if (at == parked.end()) return false;
  const auto [wsi, exchange] = at->second;
  unpark(at->first);
  exchange->response = std::move(response);
  exchange->due = true;
  // While reading is held back the library does not say that it may write either.
  static_cast<void>(lws_rx_flow_control(wsi, 1));
  lws_callback_on_writable(wsi);
  return true;
}

int HttpServer::Core::write_due(lws* wsi, HttpExchange& exchange) {
  if (!exchange.due || exchange.answered) return 0;
  return write(wsi, exchange);
}

/// Header and body go out in the callback that has the whole request, and the transaction ends
/// there: left open, a pipelined request behind this one would keep the library calling back for
/// ever (4.1.6). It copies what the kernel does not take, and ends the transaction when that is
/// gone.
int HttpServer::Core::write(lws* wsi, HttpExchange& exchange) {
  if (write_answer(wsi, exchange) < 0) return -1;
  // Nonzero asks for an end of the connection, after what is copied was sent.
  if (exchange.closes) return -1;
  return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

int HttpServer::Core::write_answer(lws* wsi, HttpExchange& exchange) {
  exchange.answered = true;
  if (!write_header(wsi, exchange)) return -1;
  std::string& body = exchange.response.body;
  if (!body.empty() && !exchange.head) {
    body.insert(0, LWS_PRE, '\0');  // headroom that the library writes into
    const std::size_t size = body.size() - LWS_PRE;
    if (lws_write(wsi, as_uchars(body.data() + LWS_PRE), size, LWS_WRITE_HTTP_FINAL) < 0) return -1;
  }
  return 0;
}

bool HttpServer::Core::write_header(lws* wsi, const HttpExchange& exchange) const {
  std::array<char, LWS_PRE + kAnswerHeaderBytes> buffer{};
  unsigned char* const start = as_uchars(buffer.data() + LWS_PRE);
  unsigned char* const end = as_uchars(buffer.data() + buffer.size());
  unsigned char* at = start;
  const auto add = [&](const char* name, const std::string& value) {
    // The library takes header names and values as unsigned characters.
    return lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>(name),
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), &at, end) == 0;
  };
  const HttpResponse& response = exchange.response;
  const auto add_further = [&] {
    return std::all_of(response.headers.begin(), response.headers.end(), [&](const auto& field) {
      return add((field.first + ":").c_str(), field.second);
    });
  };
  return lws_add_http_common_headers(wsi, static_cast<unsigned>(response.status),
                                     response.content_type.c_str(), response.body.size(), &at,
                                     end) == 0 &&
         add("cache-control:", "no-store") && add("x-content-type-options:", "nosniff") &&
         (!exchange.closes || add("connection:", "close")) && add_further() &&
         lws_finalize_write_http_header(wsi, start, &at, end) == 0;
}

}  // namespace sluice::net
