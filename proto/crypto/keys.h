// Keys and what is derived from them: X25519 pairs, the relay's static key with its id and mac1 key
// (P-HS-01, P-HS-03), packet keys from traffic secrets (P-HS-12), reset tokens. Everything here is
// a value made from bytes or from an injected source of randomness.
#pragma once

#include <array>
#include <cstddef>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/crypto/secret.h"
#include "proto/crypto/suite.h"

namespace sluice::crypto {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kMacBytes = 16;
inline constexpr std::size_t kPacketIvBytes = 12;

using PublicKey = std::array<std::byte, kKeyBytes>;
using PrivateKey = Secret<kKeyBytes>;
using Psk = Secret<kKeyBytes>;
using Mac = std::array<std::byte, kMacBytes>;

struct KeyPair {
  PublicKey public_key{};
  PrivateKey private_key;

  static KeyPair generate(RandomSource random);
  static KeyPair from_private(PrivateKey private_key);
};

/// X25519. kHandshakeFailed when the peer's key is one of the few whose product is all zeros.
Result<Secret<kKeyBytes>> diffie_hellman(const PrivateKey& ours, const PublicKey& theirs);

/// What the world knows of a relay. The mac1 key is derived from public bytes: it proves only that
/// the sender knows which relay it talks to.
struct RelayKey {
  PublicKey public_key{};
  RelayKeyId id{};
  std::array<std::byte, kKeyBytes> mac1_key{};

  static RelayKey from_public(const PublicKey& public_key);

  /// BLAKE2b-128 under the mac1 key: INIT's mac1 and COOKIE's mac (P-HS-03, P-HS-06).
  Mac mac(Bytes message) const;
};

/// The relay's own static key. Made at each start, memory only; keep it in a Locked<RelayIdentity>.
struct RelayIdentity {
  PrivateKey private_key;
  RelayKey key;

  static RelayIdentity generate(RandomSource random);
  static RelayIdentity from_private(PrivateKey private_key);
};

/// Where the keys of one direction come from; replaced by its successor at each key update.
using TrafficSecret = Secret<kKeyBytes>;

/// What a handshake yields: Noise's two split keys (P-HS-12).
struct TrafficSecrets {
  TrafficSecret client_to_relay;
  TrafficSecret relay_to_client;
};

/// Key and iv of one direction and phase. The key is as long as the suite's (suite_key_bytes), the
/// rest of the 32 bytes is zero.
struct PacketKeys {
  Secret<kKeyBytes> key;
  Secret<kPacketIvBytes> iv;
};

PacketKeys derive_packet_keys(const TrafficSecret& secret, Suite suite);
TrafficSecret next_traffic_secret(const TrafficSecret& secret);

/// Outlives the process, so that a relay that lost its memory can still end its old links.
using ResetSecret = Secret<kKeyBytes>;

/// P-RESET-01: BLAKE2b-128 under the reset secret. Compare tokens with equal_constant_time.
ResetToken derive_reset_token(const ResetSecret& secret, ConnectionId id);

}  // namespace sluice::crypto
