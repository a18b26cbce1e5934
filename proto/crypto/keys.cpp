#include "proto/crypto/keys.h"

#include "proto/crypto/blake2b.h"

namespace sluice::crypto {

KeyPair KeyPair::generate(RandomSource random) { return from_private(PrivateKey::random(random)); }

KeyPair KeyPair::from_private(PrivateKey private_key) {
  KeyPair pair;
  // Fails for no private key: the base point has prime order and scalars are clamped.
  CHECK(crypto_scalarmult_base(raw(pair.public_key), raw(private_key.bytes())) == 0);
  pair.private_key = std::move(private_key);
  return pair;
}

Result<Secret<kKeyBytes>> diffie_hellman(const PrivateKey& ours, const PublicKey& theirs) {
  Secret<kKeyBytes> shared;
  if (crypto_scalarmult(raw(shared.mutable_bytes()), raw(ours.bytes()), raw(theirs)) != 0) {
    return Unexpected{DropReason::kHandshakeFailed};
  }
  return shared;
}

RelayKey RelayKey::from_public(const PublicKey& public_key) {
  RelayKey key;
  key.public_key = public_key;
  // P-HS-01: the id. P-HS-03: the mac1 key.
  key.id = RelayKeyId{load_be<8>(blake2b<32>({}, {public_key}).data())};
  key.mac1_key = blake2b<kKeyBytes>({}, {as_bytes("sluice mac1"), public_key});
  return key;
}

Mac RelayKey::mac(Bytes message) const { return blake2b<kMacBytes>(mac1_key, {message}); }

RelayIdentity RelayIdentity::generate(RandomSource random) {
  return from_private(PrivateKey::random(random));
}

RelayIdentity RelayIdentity::from_private(PrivateKey private_key) {
  KeyPair pair = KeyPair::from_private(std::move(private_key));
  return {std::move(pair.private_key), RelayKey::from_public(pair.public_key)};
}

PacketKeys derive_packet_keys(const TrafficSecret& secret, Suite suite) {
  // P-HS-12.
  PacketKeys keys;
  const std::byte suite_byte{static_cast<std::uint8_t>(suite)};
  blake2b_into(keys.key.mutable_bytes(), secret.bytes(),
               {as_bytes("sluice key"), Bytes{&suite_byte, 1}});
  wipe(keys.key.mutable_bytes().subspan(suite_key_bytes(suite)));
  Secret<16> iv;
  blake2b_into(iv.mutable_bytes(), secret.bytes(), {as_bytes("sluice iv")});
  keys.iv = Secret<kPacketIvBytes>{iv.bytes().first<kPacketIvBytes>()};
  return keys;
}

TrafficSecret next_traffic_secret(const TrafficSecret& secret) {
  TrafficSecret next;
  blake2b_into(next.mutable_bytes(), secret.bytes(), {as_bytes("sluice next")});
  return next;
}

ResetToken derive_reset_token(const ResetSecret& secret, ConnectionId id) {
  std::array<std::byte, 6> id_bytes;
  store_be<6>(id_bytes.data(), static_cast<std::uint64_t>(id));
  return blake2b<std::tuple_size_v<ResetToken>>(secret.bytes(), {id_bytes});
}

}  // namespace sluice::crypto
