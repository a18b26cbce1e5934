// Path: where a link's packets go, and whether a new address of the peer is its own (P-DATA-06). An
// authentic packet with the highest number from elsewhere makes that address a candidate: it is
// sent a challenge, and nothing but challenges, at most 3 times the bytes that came from it. Media
// stays on the old address until the response. So nobody who replays or forwards a packet from a
// forged address can turn a relay's media against a stranger. The address that a link begins with
// is proven by the handshake, unless the ACCEPT went to others as well or the first packet comes
// from elsewhere: then it is a candidate, too, and a relay sends nothing but the challenge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "proto/base/address.h"
#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/wire/frame.h"

namespace sluice::link {

/// Bytes sent to an unproven address, over bytes received from it.
inline constexpr std::uint64_t kUnprovenPathFactor = 3;

class Path {
 public:
  explicit Path(const Address& peer) : peer_(peer) {}

  const Address& peer() const { return peer_; }

  /// False while nobody has shown that what is sent to peer() reaches the peer.
  bool proven() const { return proven_; }

  /// Whoever holds the keys need not be at peer(): a link that has not begun must ask.
  void doubt() {
    if (!heard_) proven_ = false;
  }

  /// An authentic packet came; `newest` when its number is the highest so far.
  void on_packet(Instant now, const Address& from, std::size_t bytes, bool newest,
                 const RandomSource& random) {
    if (!std::exchange(heard_, true) && from != peer_) proven_ = false;
    if (candidate_ && candidate_->address == from) {
      candidate_->bytes_received += bytes;
      return;
    }
    if (!newest || (from == peer_ && proven_)) return;
    candidate_ = Candidate{.address = from, .challenge_due = now, .bytes_received = bytes};
    random(candidate_->token);
  }

  /// True, and the candidate is the peer, when the response is to our challenge.
  bool on_response(const wire::PathToken& token) {
    if (!candidate_ || candidate_->challenges == 0 || candidate_->token != token) return false;
    peer_ = candidate_->address;
    proven_ = true;
    candidate_.reset();
    return true;
  }

  /// When a challenge is due; kNever without a candidate.
  Instant challenge_due() const { return candidate_ ? candidate_->challenge_due : kNever; }

  /// Whether `bytes` may go to the candidate.
  bool may_send_to_candidate(std::size_t bytes) const {
    return candidate_ &&
           candidate_->bytes_sent + bytes <= kUnprovenPathFactor * candidate_->bytes_received;
  }

  const Address& candidate() const { return candidate_->address; }

  const wire::PathToken& token() const { return candidate_->token; }

  /// A challenge is lost like any packet: it is repeated, `again_in` apart, a few times.
  void on_challenge_sent(Instant now, std::size_t bytes, Duration again_in) {
    candidate_->bytes_sent += bytes;
    candidate_->challenge_due = ++candidate_->challenges < kChallengesMax ? now + again_in : kNever;
    candidate_->gone_at = now + again_in * 3;
  }

  /// The challenge is not allowed now: try when more came from there.
  void postpone_challenge(Instant until) { candidate_->challenge_due = until; }

  /// Forgets a candidate that never answered.
  void handle_timeout(Instant now) {
    if (candidate_ && candidate_->challenge_due == kNever && candidate_->gone_at <= now) {
      candidate_.reset();
    }
  }

  Instant next_deadline() const {
    if (!candidate_) return kNever;
    return candidate_->challenge_due != kNever ? candidate_->challenge_due : candidate_->gone_at;
  }

 private:
  static constexpr std::uint32_t kChallengesMax = 5;

  struct Candidate {
    Address address;
    wire::PathToken token{};
    Instant challenge_due{};
    Instant gone_at = kNever;
    std::uint64_t bytes_received = 0, bytes_sent = 0;
    std::uint32_t challenges = 0;
  };

  Address peer_;
  bool proven_ = true;
  bool heard_ = false;
  std::optional<Candidate> candidate_;
};

}  // namespace sluice::link
