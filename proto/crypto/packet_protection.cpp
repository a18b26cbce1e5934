#include "proto/crypto/packet_protection.h"

#include "proto/base/check.h"

namespace sluice::crypto {

namespace {

constexpr std::byte kPhaseBit{1};

Aead make_aead(Suite suite, const TrafficSecret& secret, Aead::Direction direction) {
  return Aead{suite, derive_packet_keys(secret, suite), direction};
}

}  // namespace

PacketProtection::PacketProtection(Suite suite, TrafficSecret write, TrafficSecret read,
                                   Instant now, KeyLimits limits)
    : suite_(suite),
      limits_(limits),
      write_secret_(std::move(write)),
      write_(make_aead(suite, write_secret_, Aead::Direction::kSeal)),
      write_since_(now),
      read_secret_(std::move(read)),
      read_(make_aead(suite, read_secret_, Aead::Direction::kOpen)) {}

Status<SealError> PacketProtection::seal_run(std::span<const SealJob> jobs) {
  if (write_packets_ + jobs.size() > limits_.packets_hard_max) {
    return Unexpected{SealError::kKeyLimit};
  }
  for (const SealJob& job : jobs) {
    // P-DATA-02: the number is the nonce.
    CHECK(!last_sealed_ || job.packet_number > *last_sealed_);
    last_sealed_ = job.packet_number;
    if (!write_phase_first_) write_phase_first_ = job.packet_number;
    std::byte& first = job.packet.front();
    first = (first & ~kPhaseBit) | (write_phase_ ? kPhaseBit : std::byte{0});
  }
  write_packets_ += jobs.size();
  write_.seal_run(jobs);
  return Done{};
}

bool PacketProtection::should_update(Instant now,
                                     std::optional<PacketNumber> highest_acknowledged) const {
  // P-DATA-04.
  const bool old = write_packets_ >= limits_.packets_max || now - write_since_ >= limits_.age_max;
  return old && write_phase_first_ && highest_acknowledged &&
         *highest_acknowledged >= *write_phase_first_;
}

void PacketProtection::update(Instant now) {
  write_secret_ = next_traffic_secret(write_secret_);
  write_ = make_aead(suite_, write_secret_, Aead::Direction::kSeal);
  write_phase_ = !write_phase_;
  write_since_ = now;
  write_packets_ = 0;
  write_phase_first_.reset();
  ++write_updates_;
}

Result<MutableBytes> PacketProtection::open(Instant now, const OpenJob& job) {
  if (job.packet.empty()) return Unexpected{DropReason::kRunt};
  const bool phase = (job.packet.front() & kPhaseBit) != std::byte{0};
  if (phase != read_phase_) {
    // Opening spoils the packet, so there is one try. Numbers rise along with phases: below all
    // that the present key verified is the old key's, everything else the next key's.
    const bool before = read_phase_lowest_ && job.packet_number < *read_phase_lowest_;
    return before ? open_old(now, job) : open_next(now, job);
  }
  auto opened = read_.open(job);
  if (opened && (!read_phase_lowest_ || job.packet_number < *read_phase_lowest_)) {
    read_phase_lowest_ = job.packet_number;
  }
  return opened;
}

Result<MutableBytes> PacketProtection::open_old(Instant now, const OpenJob& job) {
  if (read_old_ && now >= read_old_until_) read_old_.reset();
  if (!read_old_) return Unexpected{DropReason::kKeyPhase};
  return read_old_->open(job);
}

Result<MutableBytes> PacketProtection::open_next(Instant now, const OpenJob& job) {
  if (!read_next_) {
    // Kept whatever comes of it: forged phases cost one derivation, not one each.
    read_secret_ = next_traffic_secret(read_secret_);
    read_next_ = make_aead(suite_, read_secret_, Aead::Direction::kOpen);
  }
  auto opened = read_next_->open(job);
  if (!opened) return opened;
  read_old_ = std::move(read_);
  read_old_until_ = now + old_key_retention_;
  read_ = *std::move(read_next_);
  read_next_.reset();
  read_phase_ = !read_phase_;
  read_phase_lowest_ = job.packet_number;
  ++read_updates_;
  return opened;
}

}  // namespace sluice::crypto
