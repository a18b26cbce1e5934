#include "proto/crypto/used_tickets.h"

#include <bit>

#include "proto/crypto/blake2b.h"
#include "proto/crypto/ticket.h"

namespace sluice::crypto {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

UsedTickets::UsedTickets(RandomSource random, std::size_t limit)
    : hash_key_(Secret<16>::random(random)), slots_(std::bit_ceil(2 * limit)), limit_(limit) {
  CHECK(limit > 0);
}

std::uint64_t UsedTickets::hash(Bytes bytes) const {
  std::array<std::byte, crypto_shorthash_BYTES> digest;
  crypto_shorthash(raw(digest), raw(bytes), bytes.size(), raw(hash_key_.bytes()));
  return load_be<8>(digest.data());
}

/// The slot of `jti`, or the empty one where it would go. The table is never more than half full.
std::size_t UsedTickets::locate(const TicketId& jti) const {
  std::size_t at = home_of(jti);
  while (slots_[at].drop_after_s != kEmpty && slots_[at].jti != jti) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

UsedTickets::Found UsedTickets::find(const TicketId& jti, const Mac& init_mac1) const {
  const Slot& slot = slots_[locate(jti)];
  if (slot.drop_after_s == kEmpty) return {};
  if (slot.answer == kNoAnswer || slot.init_hash != hash(init_mac1)) return {Use::kUsed, 0};
  return {Use::kSameInit, slot.answer};
}

Status<> UsedTickets::insert(const TicketId& jti, UnixSeconds expiry, const Mac& init_mac1,
                             std::uint32_t answer, UnixSeconds now) {
  CHECK(answer != kNoAnswer);
  sweep(now);
  const std::size_t at = locate(jti);
  if (slots_[at].drop_after_s != kEmpty) return Unexpected{DropReason::kTicketReplayed};
  if (size_ == limit_) return Unexpected{DropReason::kLinkLimit};
  slots_[at] = {jti, expiry.value + kTicketClockSlackSeconds, hash(init_mac1), answer};
  ++size_;
  return Done{};
}

void UsedTickets::forget_answer(const TicketId& jti) {
  Slot& slot = slots_[locate(jti)];
  if (slot.drop_after_s != kEmpty) slot.answer = kNoAnswer;
}

void UsedTickets::sweep(UnixSeconds now) {
  for (std::size_t i = 0; i < kSweptPerInsert; ++i) {
    const Slot& slot = slots_[sweep_at_];
    // A slot that is erased may be filled from behind: it is looked at again, in a later turn at
    // worst.
    if (slot.drop_after_s != kEmpty && slot.drop_after_s < now.value) erase(sweep_at_);
    sweep_at_ = (sweep_at_ + 1) & (slots_.size() - 1);
  }
}

/// Linear probing without tombstones: later members of the probe row move up.
void UsedTickets::erase(std::size_t index) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = index;
  for (std::size_t at = (hole + 1) & mask; slots_[at].drop_after_s != kEmpty;
       at = (at + 1) & mask) {
    const std::size_t home = home_of(slots_[at].jti);
    const bool may_move = ((at - home) & mask) >= ((at - hole) & mask);
    if (may_move) {
      slots_[hole] = slots_[at];
      hole = at;
    }
  }
  slots_[hole] = Slot{};
  --size_;
}

}  // namespace sluice::crypto
