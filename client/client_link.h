// ClientLink: a client's association from its first INIT to its last CLOSE, sans-I/O: the handshake
// with its repeats and its deadline (P-HS-10), then the link. Same verbs as link::Link; the net
// shell around it is connection.h, tests drive it in virtual time. What ends it before it was
// joined is an Error that says what was tried.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "client/error.h"
#include "client/path_question.h"
#include "proto/base/address.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/client_handshake.h"
#include "proto/link/link.h"

namespace sluice::client {

/// How long a client tries before it says "no answer": long enough for a relay that restarts, short
/// enough for a person.
inline constexpr Duration kJoinDeadline = std::chrono::seconds{10};

class ClientLink {
 public:
  struct Config {
    crypto::ClientCredentials credentials;
    Address relay;
    std::vector<std::byte> first_commands;  // whole room messages, header and body
    Duration deadline = kJoinDeadline;
    RandomSource random;
    std::uint64_t pacer_bits_per_s = kPacerBitsPerSecond;  // what we send at most
  };

  enum class State : std::uint8_t { kJoining, kJoined, kFailed };

  /// For start() alone.
  ClientLink(Config config, crypto::ClientHandshake handshake, Instant now);

  /// Errors: kBadInput for credentials that cannot be any.
  static Result<std::unique_ptr<ClientLink>, Error> start(Config config, Instant now);

  State state() const { return state_; }

  /// Why state() is kFailed: kRefused or kUnreachable.
  const Error& error() const { return error_; }

  /// The link, once joined; its events and everything to be sent go through it.
  link::Link* link() { return link_ ? &*link_ : nullptr; }

  const link::Link* link() const { return link_ ? &*link_ : nullptr; }

  /// From start() to the relay's ACCEPT.
  std::optional<Duration> join_time() const { return join_time_; }

  Status<> handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                           std::uint8_t ecn);
  void handle_timeout(Instant now);

  /// Events of the link; none before it is joined.
  std::optional<link::Event> poll_event();

  std::optional<link::Transmit> poll_transmit(Instant now, link::SendArena& arena,
                                              std::size_t segments_max);

  Instant next_deadline() const;

 private:
  void join(Instant now, crypto::Accepted accepted);
  void send_first_commands();
  void fail_with(ExitCode code, std::string message);
  void fail_in_silence();

  Config config_;
  Instant started_at_;
  bool commands_in_init_ = false;
  std::optional<crypto::ClientHandshake> handshake_;
  PathQuestion question_;
  std::optional<link::Link> link_;
  std::optional<Duration> join_time_;
  State state_ = State::kJoining;
  Error error_;
};

}  // namespace sluice::client
