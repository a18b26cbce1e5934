// TokenReader: who speaks to /v1, by a JWT (RFC 7519) of the application: HS256 with the key that
// it shares with us, or EdDSA (Ed25519) with its public key. Which algorithm is good is said by
// which keys there are, never by the token: each key checks its own algorithm alone, and there is
// no `none`. Hostile text; no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/signature.h"
#include "rooms/member_rights.h"
#include "rooms/room.h"

namespace sluice::rooms {

/// Longer is no token: with all claims of ours one has 400 bytes. Header fields end at 8 KiB.
inline constexpr std::size_t kTokenBytesMax = 4096;

/// How far the clocks of application and service may be apart. Half refuses machines without NTP's
/// help; double lets an expired token live on.
inline constexpr std::int64_t kClockSkewSeconds = 5;

/// RFC 7518, section 3.2, asks for a key as long as the hash.
inline constexpr std::size_t kSharedKeyBytesMin = 32;

struct TokenKeys {
  std::vector<std::byte> shared;  // of HS256; empty: it is not taken
  std::optional<crypto::Ed25519PublicKey> ed25519;
  std::string audience = "sluice-rooms";
};

/// Who asks, and what he may.
struct Bearer {
  UserId user;
  std::optional<RoomId> room;  // his rights are for it alone; nothing: for all
  MemberRights rights;
  bool guest = false;  // moderates what he created
};

enum class BearerError : std::uint8_t {
  kMalformed,  // no JWT, or without a claim that must be there
  kAlgorithm,  // one for which there is no key here, or none at all
  kSignature,
  kAudience,
  kExpired,
  kNotYet,
};

/// For who made the token: what is wrong, and what would be right.
std::string_view text_of(BearerError error);

class TokenReader {
 public:
  explicit TokenReader(TokenKeys keys) : keys_(std::move(keys)) {}

  Result<Bearer, BearerError> read(std::string_view text, UnixSeconds now) const;

 private:
  Status<BearerError> check_signature(std::string_view header, std::string_view signed_text,
                                      std::string_view signature) const;

  TokenKeys keys_;
};

/// The 32 bytes of a PEM file "PUBLIC KEY" that holds an Ed25519 key (RFC 8410), as `openssl pkey
/// -pubout` writes it.
std::optional<crypto::Ed25519PublicKey> ed25519_of_pem(std::string_view pem);

}  // namespace sluice::rooms
