#include "relay/control/pages.h"

#include <utility>

namespace sluice::relay {

Pages::Pages(net::Loop& loop, std::function<std::string()> metrics) : server_(loop) {
  server_.route("GET", "/metrics", [metrics = std::move(metrics)](const net::HttpRequest&) {
    return net::HttpResponse{200, std::string{kMetricsContentType}, metrics()};
  });
  server_.route("GET", "/healthz", [](const net::HttpRequest&) {
    net::HttpResponse response;
    response.body = "ok\n";
    return response;
  });
  server_.route("GET", "/readyz", [this](const net::HttpRequest&) { return ready(); });
}

Result<Address, Failure> Pages::listen(const Address& address) { return server_.listen(address); }

net::HttpResponse Pages::ready() const {
  net::HttpResponse response;
  switch (readiness_) {
    case Readiness::kStarting:
      response.status = 503;
      response.body = "starting\n";
      break;
    case Readiness::kReady:
      response.body = "ready\n";
      break;
    case Readiness::kDraining:
      response.status = 503;
      response.body = "draining\n";
      break;
  }
  return response;
}

}  // namespace sluice::relay
