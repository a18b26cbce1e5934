// Published test vector of Noise_NKpsk0_25519_ChaChaPoly_BLAKE2b, as hexadecimal text. The first
// two messages are the handshake, the others transport messages, initiator first, in turns.
#pragma once

#include <array>
#include <string_view>

namespace sluice::vectors {

struct NoiseMessage {
  std::string_view payload;
  std::string_view ciphertext;
};

struct NoiseVector {
  std::string_view prologue;
  std::string_view psk;
  std::string_view initiator_ephemeral;
  std::string_view responder_static_public;
  std::string_view responder_static;
  std::string_view responder_ephemeral;
  std::string_view handshake_hash;
  std::array<NoiseMessage, 6> messages;
};

inline constexpr NoiseVector kNoiseNkPsk0 = {
    "4a6f686e2047616c74",
    "54686973206973206d7920417573747269616e20706572737065637469766521",
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    "a32c665fae82ea979751627b098c45e755574719a147af4bd6bb92a790dc6dc64b33f09424aa7d21ae70"
    "c46207b5d103c7150cdc6df02dc2aa470c76647da0e0",
    {{
        {"4c756477696720766f6e204d69736573",
         "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c794432c362f61a0162a"
         "93280a9e1c53edb8ce7487fd12a4d1731495a24051a5afca8"},
        {"4d757272617920526f746862617264",
         "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088430e8d0924ed6525d"
         "4045188c3b225604c254ac2d8d33a8a3b0c7f5eb1975ba4"},
        {"462e20412e20486179656b", "4781e2a7bef65e0ae3da3508cf44a8b7a92880077b8e73afaef494"},
        {"4361726c204d656e676572", "f14b1feb6ff970fc3993f1c2383f33fa48138bfc5aa2ee89e40107"},
        {"4a65616e2d426170746973746520536179",
         "4ab72fba875b34dbc38da46b09fe1ad4d72faeb3514180d39a57b6cf22d646fcfa"},
        {"457567656e2042f6686d20766f6e2042617765726b",
         "1ca4c48531c304d8d1472124d5e082e29332d9527a743ac875b3bea0fb372f1d08168561b1"},
    }}};

}  // namespace sluice::vectors
