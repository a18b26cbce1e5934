// WebhookQueue: what an application is still to be told of, in order, one at a time; what fails is
// tried again with growing pauses, then given up. Sans-I/O: Service posts what poll() hands out and
// says how it went.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/time.h"

namespace sluice::rooms {

/// Deliveries that wait. Half is a minute of a busy service; double only makes what is told late
/// later. When it is full the oldest goes: what is new is worth more.
inline constexpr std::size_t kWebhooksMax = 1000;

/// Tries of one delivery: with pauses of 1, 2, 4 .. 60 s some five minutes, a receiver's restart.
inline constexpr unsigned kWebhookTries = 10;

inline constexpr Duration kWebhookPauseMin = std::chrono::seconds{1};
inline constexpr Duration kWebhookPauseMax = std::chrono::seconds{60};

class WebhookQueue {
 public:
  struct Delivery {
    std::uint64_t id = 0;
    std::string body;
  };

  struct Counts {
    std::uint64_t delivered = 0, retried = 0, refused = 0, given_up = 0, overflowed = 0;
  };

  void add(std::string body);

  /// What is to be posted now; nothing while one is under way, or its pause lasts.
  std::optional<Delivery> poll(Instant now);

  /// `status` 0: there was no answer. 2xx is done; 408, 429, 5xx and no answer are tried again; all
  /// else, redirects too, is refused for good.
  void handle_result(Instant now, int status);

  /// When poll() may have something, if nothing is added before.
  Instant next_deadline() const;

  std::size_t size() const { return waiting_.size(); }

  const Counts& counts() const { return counts_; }

 private:
  void drop_first();

  std::deque<Delivery> waiting_;  // the first may be under way
  std::uint64_t last_id_ = 0;
  bool under_way_ = false;
  unsigned tries_ = 0;  // of the first
  Instant not_before_{};
  Counts counts_;
};

/// "t=UNIX,v1=HEX": HMAC-SHA256 of "UNIX.BODY".
std::string webhook_signature(Bytes key, UnixSeconds now, std::string_view body);

}  // namespace sluice::rooms
