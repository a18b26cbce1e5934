// Accounts: who somebody is. There is no table of users: a userSig, a token and an A2Key are sealed
// texts that name their user, what they are for and until when; they hold across restarts, and all
// of them carry the URL's alphabet alone, as the seed's clients do not escape them. What is kept is
// who logged out, until the tokens of that time have expired.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/sealed.h"
#include "rooms/change.h"

namespace sluice::rooms {

enum class TokenKind : std::uint8_t {
  kUserSig = 1,  // proves an identity to login, here and at the message service
  kToken = 2,    // of a login
  kA2Key = 3,    // of a login at the message service
  kPollKey = 4,  // of a group that he joined there
};

enum class TokenError : std::uint8_t {
  kMalformed,  // not made here, for this purpose, or altered
  kExpired,
  kVoid,  // the user logged out since
};

struct TokenSeconds {
  std::uint64_t user_sig = 30 * 86400;  // the seed's
  std::uint64_t token = 7 * 86400;      // as long as an address
};

class Accounts {
 public:
  Accounts(const crypto::SealKey& secret, const TokenSeconds& lifetimes, RandomSource random)
      : key_(crypto::derive_key(secret, "sluice rooms tokens 1")),
        lifetimes_(lifetimes),
        random_(random) {}

  std::string issue(TokenKind kind, const UserId& user, UnixSeconds now) const;

  Result<UserId, TokenError> check(TokenKind kind, std::string_view text, UnixSeconds now) const;

  /// Voids the user's tokens and A2Keys made until now. A userSig stays: it is who he is.
  Change log_out(const UserId& user, UnixSeconds now);

  void restore(const TokensVoid& change);

  /// Those whose tokens have not all expired by themselves.
  std::vector<Change> snapshot(UnixSeconds now) const;

  /// Seconds.
  std::int64_t lifetime(TokenKind kind) const;

  /// "user_" and random digits, in the seed's form.
  UserId random_user() const;

  /// "room_" likewise.
  RoomId random_room() const;

 private:
  std::string random_name(std::string_view prefix) const;

  crypto::SealKey key_;
  TokenSeconds lifetimes_;
  RandomSource random_;
  std::map<UserId, std::int64_t> void_until_s_;
};

}  // namespace sluice::rooms
