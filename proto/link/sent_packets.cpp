#include "proto/link/sent_packets.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::link {

void SentPackets::add_item(const SentItem& item) {
  CHECK(staged_ < kItemsPerPacketMax && items_.push_back(item));
  ++staged_;
}

void SentPackets::commit(Instant now, std::size_t bytes, bool asks_feedback) {
  SentPacket* const packet = packets_.push_new();
  CHECK(packet != nullptr);
  packet->sent_at = now;
  packet->first_item = next_item_;
  packet->bytes = static_cast<std::uint16_t>(bytes);
  packet->item_count = staged_;
  packet->state = SentPacket::State::kOpen;
  packet->asks_feedback = asks_feedback;
  next_item_ += staged_;
  staged_ = 0;
  ++next_.value;
}

void SentPackets::skip_number(Instant now) {
  CHECK(staged_ == 0);
  SentPacket packet;
  packet.sent_at = now;
  packet.first_item = next_item_;
  packet.state = SentPacket::State::kSkipped;
  CHECK(packets_.push_back(packet));
  skipped_[skipped_count_++ % kSkippedKept] = next_.value;
  ++next_.value;
}

void SentPackets::drop_settled(Instant now) {
  while (!packets_.empty()) {
    const SentPacket& front = packets_.front();
    if (front.open()) return;
    const bool unasked = front.state == SentPacket::State::kOpen;
    if (unasked && front.sent_at + kForgetAfter > now) return;
    for (std::uint8_t i = 0; i < front.item_count; ++i) items_.pop_front();
    first_item_ += front.item_count;
    packets_.pop_front();
  }
}

std::optional<PacketNumber> SentPackets::oldest_open() const {
  std::uint64_t n = std::max(oldest_open_from_, begin().value);
  while (n < next_.value && !at({n}).open()) ++n;
  oldest_open_from_ = n;
  if (n == next_.value) return std::nullopt;
  return PacketNumber{n};
}

bool SentPackets::any_skipped(PacketNumber first, PacketNumber last) const {
  const std::uint64_t known = std::min<std::uint64_t>(skipped_count_, kSkippedKept);
  return std::any_of(skipped_.begin(), skipped_.begin() + static_cast<std::ptrdiff_t>(known),
                     [&](std::uint64_t n) { return n >= first.value && n <= last.value; });
}

std::uint64_t SentPackets::skipped_between(PacketNumber first, PacketNumber last) const {
  const std::uint64_t known = std::min<std::uint64_t>(skipped_count_, kSkippedKept);
  return static_cast<std::uint64_t>(
      std::count_if(skipped_.begin(), skipped_.begin() + static_cast<std::ptrdiff_t>(known),
                    [&](std::uint64_t n) { return n > first.value && n <= last.value; }));
}

}  // namespace sluice::link
