// The relay's HTTP pages: /metrics for Prometheus, /healthz (the main loop turns) and /readyz (new
// members are taken: 200, else 503 with one word why) for whoever starts, stops and balances it.
#pragma once

#include <functional>
#include <string>

#include "net/http.h"
#include "proto/base/address.h"
#include "proto/base/result.h"
#include "relay/control/metrics_page.h"

namespace sluice::relay {

enum class Readiness : std::uint8_t { kStarting, kReady, kDraining };

class Pages {
 public:
  /// `metrics` is called for each scrape.
  Pages(net::Loop& loop, std::function<std::string()> metrics);

  /// Where it listens.
  Result<Address, Failure> listen(const Address& address);

  void set_readiness(Readiness readiness) { readiness_ = readiness; }

 private:
  net::HttpResponse ready() const;

  Readiness readiness_ = Readiness::kStarting;
  net::HttpServer server_;
};

}  // namespace sluice::relay
