#include "net/http_post.h"

#include <algorithm>

#include "net/dial.h"

namespace sluice::net {
namespace {

/// "HTTP/1.1 200 OK" and its line end; a longer first line is nobody's.
constexpr std::size_t kStatusLineBytesMax = 512;

/// The three digits after the version; 0 for what is no answer.
int status_of(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (line.substr(0, kVersion.size()) != kVersion || line.size() < 12 || line[8] != ' ') return 0;
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status >= 100 ? status : 0;
}

}  // namespace

HttpPost::HttpPost(Loop& loop, HttpUrl target, Callback<const PostResult&> on_done)
    : loop_(loop),
      target_(std::move(target)),
      on_done_(on_done),
      resolver_(loop, Callback<const ResolvedAddresses&>::to<&HttpPost::handle_resolved>(this)),
      deadline_(loop, Callback<>::to<&HttpPost::handle_timeout>(this)),
      hangup_(loop, Callback<>::to<&HttpPost::handle_hangup>(this)) {}

void HttpPost::post(const std::string& body,
                    const std::vector<std::pair<std::string, std::string>>& fields) {
  request_ = "POST " + target_.path + " HTTP/1.1\r\nHost: " + target_.authority +
             "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : fields) request_ += name + ": " + value + "\r\n";
  request_ += "\r\n" + body;
  answer_.clear();
  hangup_.cancel();
  connection_.reset();
  deadline_.arm_in(kPostTimeout);
  resolver_.resolve(target_.host);
}

void HttpPost::handle_resolved(const ResolvedAddresses& addresses) {
  if (!busy()) return;
  if (!addresses) return finish({0, addresses.error().message});
  if (target_.tls && !tls_) {
    auto context = TlsContext::load_public();
    if (!context) return finish({0, context.error().message});
    tls_ = *std::move(context);
  }
  auto connection = dial(loop_, addresses->front(), tls_ ? &*tls_ : nullptr, target_.host.host);
  if (!connection) return finish({0, connection.error().message});
  connection_ = *std::move(connection);
  connection_->start({Callback<>::to<&HttpPost::handle_open>(this),
                      Callback<Bytes>::to<&HttpPost::handle_bytes>(this),
                      Callback<CloseReason>::to<&HttpPost::handle_closed>(this)});
}

void HttpPost::handle_open() {
  if (connection_->write(as_bytes(request_)) != WriteResult::kQueued) {
    finish({0, "the request does not fit"});
  }
}

void HttpPost::handle_bytes(Bytes bytes) {
  if (!busy()) return;
  answer_ += as_text(bytes.first(std::min(bytes.size(), kStatusLineBytesMax)));
  if (answer_.find('\n') == std::string::npos && answer_.size() < kStatusLineBytesMax) return;
  const int status = status_of(answer_);
  finish({status, status == 0 ? "the answer is no HTTP" : ""});
}

void HttpPost::handle_closed(CloseReason reason) {
  if (!busy()) return;
  const bool failed = reason == CloseReason::kError;
  finish({0, failed ? connection_->error() : "closed without an answer"});
}

void HttpPost::handle_timeout() { finish({0, "no answer in time"}); }

void HttpPost::handle_hangup() { connection_.reset(); }

void HttpPost::finish(PostResult result) {
  request_.clear();
  deadline_.cancel();
  // From inside its own calls the connection may not go.
  hangup_.arm_in(Duration{0});
  on_done_(result);
}

}  // namespace sluice::net
