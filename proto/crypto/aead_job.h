// What both AEAD backends are handed: packets with their numbers, and how a packet falls into
// header, body and tag (P-DATA-01).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/suite.h"

namespace sluice::crypto {

enum class AeadDirection : std::uint8_t { kSeal, kOpen };

/// One packet to seal: header, plaintext and kTagBytes of room for the tag, back to back.
struct SealJob {
  PacketNumber packet_number;
  MutableBytes packet;
  std::uint16_t header_bytes = 0;
};

/// One packet to open: header, ciphertext, tag, with the number that its low bits stand for.
struct OpenJob {
  PacketNumber packet_number;
  MutableBytes packet;
  std::uint16_t header_bytes = 0;
};

struct PacketPieces {
  MutableBytes header, body, tag;

  PacketPieces(MutableBytes packet, std::size_t header_bytes)
      : header(packet.first(header_bytes)),
        body(packet.subspan(header_bytes, packet.size() - header_bytes - kTagBytes)),
        tag(packet.last(kTagBytes)) {}
};

/// CHECKs: a packet of ours without room for its tag, or too large, must not be sent.
inline PacketPieces pieces_of(const SealJob& job) {
  CHECK(job.packet.size() >= job.header_bytes + kTagBytes &&
        job.packet.size() <= kDatagramBytesMax);
  return {job.packet, job.header_bytes};
}

inline Result<PacketPieces> pieces_of(const OpenJob& job) {
  if (job.packet.size() < job.header_bytes + kTagBytes) return Unexpected{DropReason::kRunt};
  if (job.packet.size() > kDatagramBytesMax) return Unexpected{DropReason::kOversize};
  return PacketPieces{job.packet, job.header_bytes};
}

using Nonce = std::array<std::byte, kPacketIvBytes>;

/// P-DATA-01: iv XOR packet number, right-aligned.
inline Nonce nonce_for(const Secret<kPacketIvBytes>& iv, PacketNumber number) {
  constexpr std::size_t kLeft = kPacketIvBytes - 8;
  const std::byte* const from = iv.bytes().data();
  Nonce nonce;
  std::memcpy(nonce.data(), from, kLeft);
  store_be<8>(nonce.data() + kLeft, load_be<8>(from + kLeft) ^ number.value);
  return nonce;
}

inline unsigned char* raw(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

inline const unsigned char* raw_const(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace sluice::crypto
