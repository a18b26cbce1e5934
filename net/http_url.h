// HttpUrl: where an HTTP server is: "http://HOST[:PORT]/PATH" or the same with https.
#pragma once

#include <string>
#include <string_view>

#include "net/address.h"
#include "proto/base/result.h"

namespace sluice::net {

struct HttpUrl {
  bool tls = false;
  HostPort host;          // with the port of the scheme where it says none
  std::string authority;  // HOST or HOST:PORT as it was written: the Host field
  std::string path;       // "/" where there is none
};

Result<HttpUrl, Failure> parse_http_url(std::string_view url);

}  // namespace sluice::net
