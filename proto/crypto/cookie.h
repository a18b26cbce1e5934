// Cookies: under load the relay answers an INIT with a COOKIE and keeps nothing; only a peer that
// receives at the address it claims can send it back (P-HS-06).
#pragma once

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/handshake.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

/// How long a cookie secret is made into cookies; it is honoured for as long again. Half makes slow
/// clients ask twice; double gives a captured cookie four minutes.
inline constexpr Duration kCookieSecretAge = std::chrono::seconds{120};

class CookieJar {
 public:
  CookieJar(Instant now, RandomSource random);

  /// Turns the secret over when it is old enough. Call before make and verify; cheap.
  void turn_over(Instant now, RandomSource random);

  Mac make(const Address& client, const ClientNonce& nonce) const;

  /// kCookieNeeded for all zeros (the client had none), kBadCookie for one that is not ours.
  Status<> verify(const Address& client, const ClientNonce& nonce, Bytes cookie) const;

 private:
  Secret<kKeyBytes> present_;
  Secret<kKeyBytes> last_;
  Instant turned_at_;
};

/// `cookie` is all zeros where the status is not kCookieNeeded.
CookieMessage make_cookie_reply(const RelayKey& relay, CookieStatus status,
                                const ClientNonce& nonce, const Mac& cookie);

struct CookieReply {
  CookieStatus status;
  Mac cookie;
};

/// For the client: length, mac and nonce echo. kMalformed, kBadMac1, kUnknownConnection (another
/// attempt's nonce). A mac proves only that the sender saw the INIT.
Result<CookieReply> read_cookie_reply(const RelayKey& relay, const ClientNonce& nonce,
                                      Bytes datagram);

}  // namespace sluice::crypto
