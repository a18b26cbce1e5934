#include "proto/crypto/noise.h"

#include <algorithm>

#include "proto/crypto/blake2b.h"

namespace sluice::crypto {

namespace {

constexpr std::string_view kProtocolName = "Noise_NKpsk0_25519_ChaChaPoly_BLAKE2b";
static_assert(kProtocolName.size() <= kNoiseHashBytes);  // so it is padded, not hashed

using HashSecret = Secret<kNoiseHashBytes>;

/// HMAC-BLAKE2b: BLAKE2b's own keyed mode is another function, and Noise asks for HMAC (RFC 2104).
HashSecret hmac(const HashSecret& key, std::initializer_list<Bytes> pieces) {
  constexpr std::size_t kBlockBytes = 128;
  Secret<kBlockBytes> pad;
  const auto fill_pad = [&](std::byte with) {
    std::fill(pad.mutable_bytes().begin(), pad.mutable_bytes().end(), with);
    for (std::size_t i = 0; i < kNoiseHashBytes; ++i) pad.mutable_bytes()[i] ^= key.bytes()[i];
  };
  crypto_generichash_state state;
  HashSecret inner;
  fill_pad(std::byte{0x36});
  crypto_generichash_init(&state, nullptr, 0, kNoiseHashBytes);
  crypto_generichash_update(&state, raw(pad.bytes()), kBlockBytes);
  for (const Bytes piece : pieces) crypto_generichash_update(&state, raw(piece), piece.size());
  crypto_generichash_final(&state, raw(inner.mutable_bytes()), kNoiseHashBytes);
  sodium_memzero(&state, sizeof state);
  fill_pad(std::byte{0x5C});
  HashSecret outer;
  blake2b_into(outer.mutable_bytes(), {}, {pad.bytes(), inner.bytes()});
  return outer;
}

struct Expanded {
  HashSecret first;
  HashSecret second;
  HashSecret third;
};

/// The framework's HKDF, always with three outputs: the third costs one HMAC and is made only where
/// MixKeyAndHash needs it.
Expanded hkdf(const HashSecret& chaining_key, Bytes key_material, bool want_third = false) {
  constexpr std::byte kCounter[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  const HashSecret temporary = hmac(chaining_key, {key_material});
  Expanded out;
  out.first = hmac(temporary, {Bytes{&kCounter[0], 1}});
  out.second = hmac(temporary, {out.first.bytes(), Bytes{&kCounter[1], 1}});
  if (want_third) out.third = hmac(temporary, {out.second.bytes(), Bytes{&kCounter[2], 1}});
  return out;
}

/// Noise's ChaChaPoly nonce: 32 zero bits, then the counter, little-endian.
std::array<std::byte, 12> noise_nonce(std::uint64_t counter) {
  std::array<std::byte, 12> nonce{};
  for (std::size_t i = 4; i < nonce.size(); ++i, counter >>= 8U) {
    nonce[i] = static_cast<std::byte>(counter & 0xFFU);
  }
  return nonce;
}

PublicKey read_public_key(Bytes message) {
  PublicKey key;
  std::copy_n(message.begin(), key.size(), key.begin());
  return key;
}

}  // namespace

NoiseTranscript::NoiseTranscript(Bytes prologue, const PublicKey& responder_static,
                                 const Psk& psk) {
  std::copy(as_bytes(kProtocolName).begin(), as_bytes(kProtocolName).end(), hash_.begin());
  chaining_key_ = HashSecret{hash_};
  mix_hash(prologue);
  mix_hash(responder_static);
  // The psk0 token: MixKeyAndHash.
  Expanded keys = hkdf(chaining_key_, psk.bytes(), true);
  chaining_key_ = std::move(keys.first);
  mix_hash(keys.second.bytes());
  set_cipher_key(keys.third.bytes());
}

NoiseTranscript NoiseTranscript::copy() const {
  NoiseTranscript twin;
  twin.chaining_key_ = chaining_key_.copy();
  twin.hash_ = hash_;
  twin.cipher_key_ = cipher_key_.copy();
  twin.nonce_ = nonce_;
  return twin;
}

void NoiseTranscript::mix_hash(Bytes bytes) {
  hash_ = blake2b<kNoiseHashBytes>({}, {hash_, bytes});
}

void NoiseTranscript::mix_key(Bytes key_material) {
  Expanded keys = hkdf(chaining_key_, key_material);
  chaining_key_ = std::move(keys.first);
  set_cipher_key(keys.second.bytes());
}

void NoiseTranscript::set_cipher_key(Bytes key) {
  cipher_key_ = Secret<kKeyBytes>{key.first<kKeyBytes>()};
  nonce_ = 0;
}

void NoiseTranscript::seal(Bytes payload, MutableBytes sealed) {
  CHECK(sealed.size() == payload.size() + kNoiseTagBytes);
  const auto nonce = noise_nonce(nonce_++);
  crypto_aead_chacha20poly1305_ietf_encrypt(raw(sealed), nullptr, raw(payload), payload.size(),
                                            raw(hash_), hash_.size(), nullptr, raw(nonce),
                                            raw(cipher_key_.bytes()));
  mix_hash(sealed);
}

Status<> NoiseTranscript::open(Bytes sealed, MutableBytes payload) {
  CHECK(payload.size() + kNoiseTagBytes == sealed.size());
  const auto nonce = noise_nonce(nonce_++);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(raw(payload), nullptr, nullptr, raw(sealed),
                                                sealed.size(), raw(hash_), hash_.size(), raw(nonce),
                                                raw(cipher_key_.bytes())) != 0) {
    return Unexpected{DropReason::kHandshakeFailed};
  }
  mix_hash(sealed);
  return Done{};
}

NoiseKeys NoiseTranscript::split() const {
  const Expanded keys = hkdf(chaining_key_, {});
  return {Secret<kKeyBytes>{keys.first.bytes().first<kKeyBytes>()},
          Secret<kKeyBytes>{keys.second.bytes().first<kKeyBytes>()}, hash_};
}

Result<NoiseInitiator> NoiseInitiator::start(Start start, Bytes payload, MutableBytes message) {
  CHECK(message.size() == payload.size() + kNoiseOverheadBytes);
  NoiseTranscript transcript{start.prologue, start.responder_static, start.psk};
  const PublicKey& e = start.ephemeral.public_key;
  std::copy(e.begin(), e.end(), message.begin());
  transcript.mix_hash(e);
  transcript.mix_key(e);  // patterns with a psk mix the ephemeral into the key as well
  const auto es = diffie_hellman(start.ephemeral.private_key, start.responder_static);
  if (!es) return Unexpected{es.error()};
  transcript.mix_key(es->bytes());
  transcript.seal(payload, message.subspan(kKeyBytes));
  return NoiseInitiator{std::move(transcript), std::move(start.ephemeral.private_key)};
}

Result<NoiseKeys> NoiseInitiator::read_reply(Bytes message, MutableBytes payload) const {
  if (message.size() < kNoiseOverheadBytes) return Unexpected{DropReason::kRunt};
  NoiseTranscript transcript = transcript_.copy();
  const PublicKey e = read_public_key(message);
  transcript.mix_hash(e);
  transcript.mix_key(e);
  const auto ee = diffie_hellman(ephemeral_, e);
  if (!ee) return Unexpected{ee.error()};
  transcript.mix_key(ee->bytes());
  if (const auto opened = transcript.open(message.subspan(kKeyBytes), payload); !opened) {
    return Unexpected{opened.error()};
  }
  return transcript.split();
}

Result<NoiseResponder> NoiseResponder::accept(Bytes prologue, const RelayIdentity& identity,
                                              const Psk& psk, Bytes message, MutableBytes payload) {
  if (message.size() < kNoiseOverheadBytes) return Unexpected{DropReason::kRunt};
  NoiseTranscript transcript{prologue, identity.key.public_key, psk};
  const PublicKey e = read_public_key(message);
  transcript.mix_hash(e);
  transcript.mix_key(e);
  const auto es = diffie_hellman(identity.private_key, e);
  if (!es) return Unexpected{es.error()};
  transcript.mix_key(es->bytes());
  if (const auto opened = transcript.open(message.subspan(kKeyBytes), payload); !opened) {
    return Unexpected{opened.error()};
  }
  return NoiseResponder{std::move(transcript), e};
}

Result<NoiseKeys> NoiseResponder::write_reply(KeyPair ephemeral, Bytes payload,
                                              MutableBytes message) const {
  CHECK(message.size() == payload.size() + kNoiseOverheadBytes);
  NoiseTranscript transcript = transcript_.copy();
  std::copy(ephemeral.public_key.begin(), ephemeral.public_key.end(), message.begin());
  transcript.mix_hash(ephemeral.public_key);
  transcript.mix_key(ephemeral.public_key);
  const auto ee = diffie_hellman(ephemeral.private_key, peer_ephemeral_);
  if (!ee) return Unexpected{ee.error()};
  transcript.mix_key(ee->bytes());
  transcript.seal(payload, message.subspan(kKeyBytes));
  return transcript.split();
}

}  // namespace sluice::crypto
