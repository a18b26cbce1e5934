// PacketProtection: both directions of one link's sealing, with key phases and key updates
// (P-DATA-04). The link numbers packets and writes headers; this seals and opens them, sets and
// reads the key phase (bit 0 of the header's first byte), and knows when keys are old. The two
// directions update on their own: each side renews its sending key, the other follows when a packet
// verifies with the next one.
//
// Sending: if (should_update(now, acknowledged)) update(now); seal_run(now, jobs).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/keys.h"

namespace sluice::crypto {

/// Lowered by simulations so that updates happen all the time.
struct KeyLimits {
  std::uint64_t packets_max = kKeyPacketsMax;
  std::uint64_t packets_hard_max = kKeyPacketsHardMax;
  Duration age_max = kKeyAgeMax;
};

enum class SealError : std::uint8_t {
  kKeyLimit,  // the hard limit of P-DATA-04: the link must close with code 10
};

class PacketProtection {
 public:
  /// On the client, `write` is client_to_relay; on the relay, relay_to_client.
  PacketProtection(Suite suite, TrafficSecret write, TrafficSecret read, Instant now,
                   KeyLimits limits = {});

  /// Sets the phase bit of each header and seals the packets in place. Numbers must rise from one
  /// packet to the next, over all runs (CHECKed: a repeated nonce gives the plaintext away). On
  /// error nothing was sealed.
  Status<SealError> seal_run(std::span<const SealJob> jobs);

  /// True when the sending key is at its limit of packets or age and a packet of its phase was
  /// acknowledged, so that the peer is known to have followed the last update.
  bool should_update(Instant now, std::optional<PacketNumber> highest_acknowledged) const;

  /// Renews the sending key and flips its phase.
  void update(Instant now);

  /// Opens in place, with the present, the next or the old key as phase bit and number tell. Look
  /// at the replay window before, mark it after. kAuthenticationFailed, kKeyPhase (old keys are
  /// gone), kRunt.
  Result<MutableBytes> open(Instant now, const OpenJob& job);

  /// Packets will be sealed or opened soon: a hint.
  void prefetch_keys() const {
    write_.prefetch_key();
    read_.prefetch_key();
  }

  /// How long the old reading key stays after an update: 3 PTO, set by the link as it learns its
  /// path.
  void set_old_key_retention(Duration retention) { old_key_retention_ = retention; }

  Suite suite() const { return suite_; }

  bool write_phase() const { return write_phase_; }

  bool read_phase() const { return read_phase_; }

  std::uint64_t write_updates() const { return write_updates_; }

  std::uint64_t read_updates() const { return read_updates_; }

 private:
  Result<MutableBytes> open_old(Instant now, const OpenJob& job);
  Result<MutableBytes> open_next(Instant now, const OpenJob& job);

  Suite suite_;
  KeyLimits limits_;

  TrafficSecret write_secret_;
  Aead write_;
  bool write_phase_ = false;
  Instant write_since_;
  std::uint64_t write_packets_ = 0;                // under the present key
  std::optional<PacketNumber> write_phase_first_;  // first number under the present key
  std::optional<PacketNumber> last_sealed_;
  std::uint64_t write_updates_ = 0;

  TrafficSecret read_secret_;  // of the present key; of the next one once read_next_ exists
  Aead read_;
  std::optional<Aead> read_next_;  // made at the first packet of the other phase, then kept
  std::optional<Aead> read_old_;
  Instant read_old_until_ = kLongAgo;
  Duration old_key_retention_ = std::chrono::seconds{3};
  bool read_phase_ = false;
  std::optional<PacketNumber> read_phase_lowest_;  // lowest number verified under the present key
  std::uint64_t read_updates_ = 0;
};

}  // namespace sluice::crypto
