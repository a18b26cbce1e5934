#include "rooms/webhook_queue.h"

#include <algorithm>

#include "proto/crypto/encoding.h"
#include "proto/crypto/signature.h"

namespace sluice::rooms {
namespace {

constexpr int kRequestTimeout = 408, kTooManyRequests = 429;

bool is_passing(int status) {
  return status == 0 || status == kRequestTimeout || status == kTooManyRequests || status >= 500;
}

}  // namespace

void WebhookQueue::add(std::string body) {
  if (waiting_.size() >= kWebhooksMax) {
    ++counts_.overflowed;
    // What is under way is told already, perhaps.
    waiting_.erase(waiting_.begin() + (under_way_ ? 1 : 0));
    if (!under_way_) tries_ = 0;
  }
  waiting_.push_back({++last_id_, std::move(body)});
}

std::optional<WebhookQueue::Delivery> WebhookQueue::poll(Instant now) {
  if (under_way_ || waiting_.empty() || now < not_before_) return std::nullopt;
  under_way_ = true;
  ++tries_;
  return waiting_.front();
}

void WebhookQueue::handle_result(Instant now, int status) {
  if (!under_way_) return;
  under_way_ = false;
  if (status >= 200 && status < 300) {
    ++counts_.delivered;
    return drop_first();
  }
  if (!is_passing(status)) {
    ++counts_.refused;
    return drop_first();
  }
  const unsigned doublings = std::min(tries_ - 1, 6U);
  not_before_ = now + std::min(kWebhookPauseMin * (1 << doublings), kWebhookPauseMax);
  if (tries_ < kWebhookTries) {
    ++counts_.retried;
    return;
  }
  ++counts_.given_up;
  waiting_.pop_front();
  tries_ = 0;  // the pause stays: the receiver is no better for the next one
}

void WebhookQueue::drop_first() {
  waiting_.pop_front();
  tries_ = 0;
  not_before_ = {};
}

Instant WebhookQueue::next_deadline() const {
  return waiting_.empty() || under_way_ ? kNever : not_before_;
}

std::string webhook_signature(Bytes key, UnixSeconds now, std::string_view body) {
  const std::string time = std::to_string(now.value);
  const std::string text = time + "." + std::string{body};
  return "t=" + time + ",v1=" + crypto::to_hex(crypto::hmac_sha256(key, as_bytes(text)));
}

}  // namespace sluice::rooms
