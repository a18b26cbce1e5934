// Noise_NKpsk0_25519_ChaChaPoly_BLAKE2b, both roles (docs/PROTOCOL.md section 3; the Noise Protocol
// Framework, revision 34, sections 5 and 9). The pattern has two messages, so each role has one
// state type that exists only between them and holds only what is legal there:
//   initiator:  NoiseInitiator::start writes message 1  ->  read_reply reads message 2, keys
//   responder:  NoiseResponder::accept reads message 1  ->  write_reply writes message 2, keys
// Ephemerals are arguments: fresh for every call (they are the forward secrecy), fixed in the
// vectors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

inline constexpr std::size_t kNoiseHashBytes = 64;
inline constexpr std::size_t kNoiseTagBytes = 16;

/// Bytes that a message is longer than its payload: the ephemeral and the tag.
inline constexpr std::size_t kNoiseOverheadBytes = kKeyBytes + kNoiseTagBytes;

using NoiseHash = std::array<std::byte, kNoiseHashBytes>;

/// The end of a handshake: Noise's Split(), and the hash that names this handshake alone.
struct NoiseKeys {
  Secret<kKeyBytes> initiator_to_responder;
  Secret<kKeyBytes> responder_to_initiator;
  NoiseHash handshake_hash{};
};

/// The SymmetricState of the framework: chaining key, transcript hash, present cipher key.
class NoiseTranscript {
 public:
  /// Both ends begin alike: pattern name, prologue, the responder's static key, the psk.
  NoiseTranscript(Bytes prologue, const PublicKey& responder_static, const Psk& psk);

  NoiseTranscript copy() const;

  void mix_hash(Bytes bytes);
  void mix_key(Bytes key_material);

  /// `sealed` takes payload.size() + kNoiseTagBytes bytes.
  void seal(Bytes payload, MutableBytes sealed);

  /// `payload` takes sealed.size() - kNoiseTagBytes bytes. kHandshakeFailed when the tag is wrong.
  Status<> open(Bytes sealed, MutableBytes payload);

  NoiseKeys split() const;

 private:
  NoiseTranscript() = default;

  void set_cipher_key(Bytes key);

  Secret<kNoiseHashBytes> chaining_key_;
  NoiseHash hash_{};
  Secret<kKeyBytes> cipher_key_;
  std::uint64_t nonce_ = 0;
};

class NoiseInitiator {
 public:
  struct Start {
    Bytes prologue;
    const PublicKey& responder_static;
    const Psk& psk;
    KeyPair ephemeral;
  };

  /// Writes message 1 into `message`, which is payload.size() + kNoiseOverheadBytes long.
  /// kHandshakeFailed when the responder's static key is no usable X25519 key.
  static Result<NoiseInitiator> start(Start start, Bytes payload, MutableBytes message);

  /// Reads message 2; `payload` takes message.size() - kNoiseOverheadBytes bytes and means
  /// something only on success. Const: a forged reply must leave room for the true one.
  Result<NoiseKeys> read_reply(Bytes message, MutableBytes payload) const;

 private:
  NoiseInitiator(NoiseTranscript transcript, PrivateKey ephemeral)
      : transcript_(std::move(transcript)), ephemeral_(std::move(ephemeral)) {}

  NoiseTranscript transcript_;
  PrivateKey ephemeral_;
};

class NoiseResponder {
 public:
  /// Reads message 1; `payload` takes message.size() - kNoiseOverheadBytes bytes. Success proves
  /// that the peer knows psk and static key. One Diffie-Hellman, about 50 us.
  static Result<NoiseResponder> accept(Bytes prologue, const RelayIdentity& identity,
                                       const Psk& psk, Bytes message, MutableBytes payload);

  /// Writes message 2 into `message`, which is payload.size() + kNoiseOverheadBytes long.
  Result<NoiseKeys> write_reply(KeyPair ephemeral, Bytes payload, MutableBytes message) const;

 private:
  NoiseResponder(NoiseTranscript transcript, const PublicKey& peer)
      : transcript_(std::move(transcript)), peer_ephemeral_(peer) {}

  NoiseTranscript transcript_;
  PublicKey peer_ephemeral_;
};

}  // namespace sluice::crypto
