#include "rooms/webhooks.h"

#include <utility>

#include "net/log.h"

namespace sluice::rooms {

Webhooks::Webhooks(net::Loop& loop, net::HttpUrl target, std::vector<std::byte> key)
    : loop_(loop),
      key_(std::move(key)),
      post_(loop, std::move(target),
            net::Callback<const net::PostResult&>::to<&Webhooks::handle_done>(this)),
      retry_(loop, net::Callback<>::to<&Webhooks::work>(this)) {}

void Webhooks::tell(std::string body) {
  queue_.add(std::move(body));
  work();
}

void Webhooks::work() {
  if (post_.busy()) return;
  const auto delivery = queue_.poll(loop_.now());
  if (!delivery) return retry_.arm(queue_.next_deadline());
  const std::string signature = webhook_signature(key_, net::Loop::wall_clock(), delivery->body);
  post_.post(delivery->body,
             {{"Content-Type", "application/json"}, {"Sluice-Signature", signature}});
}

void Webhooks::handle_done(const net::PostResult& result) {
  if (result.status < 200 || result.status >= 300) {
    static net::LogLimit limit;
    net::log_limited(
        limit, net::LogLevel::kWarning, "webhook_not_delivered",
        {{"status", result.status}, {"error", result.error}, {"waiting", queue_.size()}});
  }
  queue_.handle_result(loop_.refresh_now(), result.status);
  work();
}

}  // namespace sluice::rooms
