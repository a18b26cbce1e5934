#include "net/http_url.h"

#include <algorithm>
#include <utility>

namespace sluice::net {
namespace {

constexpr std::string_view kPlain = "http://", kTls = "https://";

/// Nothing that could end a request's line.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

Result<HttpUrl, Failure> parse_http_url(std::string_view url) {
  const Failure wrong{"\"" + std::string{url} + "\" is no http://HOST[:PORT]/PATH, nor https"};
  HttpUrl parsed;
  parsed.tls = url.substr(0, kTls.size()) == kTls;
  const std::string_view scheme = parsed.tls ? kTls : kPlain;
  if (url.substr(0, scheme.size()) != scheme || !is_plain(url)) return Unexpected{wrong};
  url.remove_prefix(scheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  parsed.authority = url.substr(0, slash);
  parsed.path = slash == url.size() ? "/" : url.substr(slash);
  const std::size_t after = parsed.authority.find(']');
  const bool has_port =
      parsed.authority.find(':', after == std::string::npos ? 0 : after) != std::string::npos;
  auto host = parse_host_port(parsed.authority + (has_port ? "" : parsed.tls ? ":443" : ":80"));
  if (!host || host->host.empty() || parsed.authority.find('@') != std::string::npos) {
    return Unexpected{wrong};
  }
  parsed.host = *std::move(host);
  return parsed;
}

}  // namespace sluice::net
