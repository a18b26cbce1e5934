// UsedTickets: the ticket ids that were used, each until it expires (P-TICKET-02), and which INIT
// used it, so that a repeated INIT can be given the same ACCEPT (P-HS-09). A fixed open-addressing
// table under a keyed hash: strangers cannot make it grow, nor make it slow by choosing ids. Owned
// by the door. Overload policy: refuse. Forgetting an id before its time would let a ticket be used
// twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

class UsedTickets {
 public:
  enum class Use : std::uint8_t {
    kUnused,
    kSameInit,  // repeat: send the ACCEPT kept under `answer` again
    kUsed,      // by another INIT, or its ACCEPT is no longer kept: refuse, kTicketReplayed
  };

  struct Found {
    Use use = Use::kUnused;
    std::uint32_t answer = 0;  // the caller's index of the stored ACCEPT, with kSameInit
  };

  /// All memory is taken here: 40 bytes for each of bit_ceil(2 x limit) slots.
  explicit UsedTickets(RandomSource random, std::size_t limit = kUsedTicketsMax);

  /// Ask this before check_ticket: a repeat of an INIT that was accepted just before its ticket's
  /// expiry must still get its ACCEPT.
  Found find(const TicketId& jti, const Mac& init_mac1) const;

  /// Remembers a use, after the psk was proved. `answer` < UINT32_MAX. kLinkLimit when full,
  /// kTicketReplayed when it is in already.
  Status<> insert(const TicketId& jti, UnixSeconds expiry, const Mac& init_mac1,
                  std::uint32_t answer, UnixSeconds now);

  /// The link's first DATA came, or 10 s passed: from now on a repeat is refused.
  void forget_answer(const TicketId& jti);

  std::size_t size() const { return size_; }

  std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    TicketId jti{};
    std::int64_t drop_after_s = kEmpty;  // expiry and the clock slack
    std::uint64_t init_hash = 0;
    std::uint32_t answer = kNoAnswer;
  };

  static constexpr std::int64_t kEmpty = INT64_MIN;
  static constexpr std::uint32_t kNoAnswer = UINT32_MAX;

  /// Slots looked over for expired ids at each insert: a whole turn every 2^19 / 16 = 32,768 joins,
  /// 11 s at 3000 joins/s, so the table holds 71 s of them. Half needs a larger table at that rate.
  static constexpr std::size_t kSweptPerInsert = 16;

  std::uint64_t hash(Bytes bytes) const;

  std::size_t home_of(const TicketId& jti) const { return hash(jti) & (slots_.size() - 1); }

  std::size_t locate(const TicketId& jti) const;
  void erase(std::size_t index);
  void sweep(UnixSeconds now);

  Secret<16> hash_key_;
  std::vector<Slot> slots_;
  std::size_t limit_;
  std::size_t size_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace sluice::crypto
