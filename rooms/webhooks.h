// Webhooks: tells an application by HTTP what happens in its rooms, signed with a key that both
// have. WebhookQueue decides what goes when; this moves it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "net/http_post.h"
#include "net/loop.h"
#include "rooms/webhook_queue.h"

namespace sluice::rooms {

class Webhooks {
 public:
  Webhooks(net::Loop& loop, net::HttpUrl target, std::vector<std::byte> key);

  void tell(std::string body);

  const WebhookQueue& queue() const { return queue_; }

 private:
  void work();
  void handle_done(const net::PostResult& result);

  net::Loop& loop_;
  std::vector<std::byte> key_;
  WebhookQueue queue_;
  net::HttpPost post_;
  net::Timer retry_;
};

}  // namespace sluice::rooms
