// PathQuestion: why does nobody answer our INITs? A relay is silent to those it cannot tell from
// strangers, and a path may carry small datagrams only. So after a while a client also sends DATA
// of a link that no relay has, once short and once of full size; a relay answers each with a RESET
// of that connection id (P-RESET-01, P-HS-13), whatever the ticket. What came back says where to
// look.
// Sans-I/O, for client_link.h.
#pragma once

#include <array>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/wire/packet.h"

namespace sluice::client {

/// A slow path has answered by then.
inline constexpr Duration kQuestionAfter = std::chrono::milliseconds{1500};
inline constexpr Duration kQuestionEvery = std::chrono::seconds{1};

class PathQuestion {
 public:
  enum class Finding : std::uint8_t {
    kNothing,    // no relay answers there
    kSmallOnly,  // a relay does, but full datagrams do not get through
    kReachable,  // a relay does, to full datagrams too: it does not know the ticket
  };

  PathQuestion(Instant started_at, RandomSource random)
      : random_(random), due_(started_at + kQuestionAfter) {}

  /// What to send now, valid until the next call; empty: nothing due.
  Bytes poll_transmit(Instant now);

  Instant next_deadline() const { return next_ == kBoth ? due_ : kLongAgo; }

  /// False when the datagram is no answer to a question of ours.
  bool handle_datagram(Bytes datagram);

  Finding finding() const;

 private:
  static constexpr std::size_t kBoth = 2;
  static constexpr std::array<std::size_t, kBoth> kBytes{27, kDatagramBytesMax};

  void ask(std::size_t index);

  RandomSource random_;
  Instant due_;
  std::size_t next_ = kBoth;  // the question of this round to send next
  std::array<ConnectionId, kBoth> asked_{};
  std::array<bool, kBoth> answered_{};
  std::array<std::byte, kDatagramBytesMax> datagram_{};
};

}  // namespace sluice::client
