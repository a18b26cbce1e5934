#include "proto/link/control_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "proto/base/check.h"

namespace sluice::link {

namespace {

/// Steps from `b` to `a`, both offsets modulo 2^32.
std::int32_t distance(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); }

}  // namespace

// ControlSender.

Status<> ControlSender::append(std::uint8_t type, Bytes body) {
  if (body.size() > kControlMessageBytesMax) return Unexpected{DropReason::kControlTooLarge};
  const std::size_t size = wire::kMessageHeaderBytes + body.size();
  if (unacknowledged() + size > kControlWindowBytes) {
    return Unexpected{DropReason::kControlOverflow};
  }
  const std::size_t at = bytes_.size();
  bytes_.resize(at + size);
  Writer writer{MutableBytes{bytes_}.subspan(at)};
  writer.u8(type);
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.bytes(body);
  return Done{};
}

bool ControlSender::has_work(Instant now) const {
  const std::uint32_t end = base_ + static_cast<std::uint32_t>(unacknowledged());
  return lost_count_ > 0 || (next_ != end && !pieces_.full()) || copy_due() <= now;
}

std::optional<ControlPiece> ControlSender::next(Instant now, std::size_t room, bool twice) {
  if (room == 0) return std::nullopt;
  if (lost_count_ > 0) return next_lost(now, room, twice);
  if (copy_due() <= now) {
    if (auto piece = next_copy(now, room)) return piece;
  }
  return next_new(now, room, twice);
}

std::optional<ControlPiece> ControlSender::next_lost(Instant now, std::size_t room, bool twice) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (!pieces_[i].lost) continue;
    if (pieces_[i].bytes > room) return std::nullopt;
    pieces_[i].lost = false;
    --lost_count_;
    return send(now, pieces_[i], room, twice);
  }
  return std::nullopt;
}

std::optional<ControlPiece> ControlSender::next_copy(Instant now, std::size_t room) {
  while (copy_due() <= now) {
    Piece* piece = find(copies_.front().offset);
    const bool wanted = piece != nullptr && !piece->acknowledged && !piece->lost;
    if (wanted && piece->bytes > room) return std::nullopt;
    copies_.pop_front();
    if (wanted) return send(now, *piece, room, false);
  }
  return std::nullopt;
}

std::optional<ControlPiece> ControlSender::next_new(Instant now, std::size_t room, bool twice) {
  const std::size_t sent = next_ - base_;
  const std::size_t size = std::min(unacknowledged() - sent, room);
  if (size == 0) return std::nullopt;
  if (!pieces_.push_back({.offset = next_, .bytes = static_cast<std::uint16_t>(size)})) {
    return std::nullopt;
  }
  next_ += static_cast<std::uint32_t>(size);
  return send(now, pieces_.back(), room, twice);
}

std::optional<ControlPiece> ControlSender::send(Instant now, Piece& piece, std::size_t room,
                                                bool twice) {
  DCHECK(piece.bytes <= room);
  static_cast<void>(room);
  ++piece.copies_in_flight;
  // Without room for the reminder the piece goes once: it is still sent again when lost.
  if (twice) static_cast<void>(copies_.push_back({piece.offset, now + kControlCopyDelay}));
  return ControlPiece{piece.offset, bytes_of(piece)};
}

void ControlSender::on_acknowledged(std::uint32_t offset) {
  Piece* piece = find(offset);
  if (piece == nullptr || piece->acknowledged) return;
  piece->acknowledged = true;
  if (piece->lost) --lost_count_;
  piece->lost = false;
  while (!pieces_.empty() && pieces_.front().acknowledged) {
    head_ += pieces_.front().bytes;
    base_ += pieces_.front().bytes;
    pieces_.pop_front();
  }
  // Amortised: each byte is moved once for each byte that was acknowledged before it.
  if (head_ * 2 >= bytes_.size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void ControlSender::on_lost(std::uint32_t offset) {
  Piece* piece = find(offset);
  if (piece == nullptr || piece->acknowledged) return;
  if (piece->copies_in_flight > 0) --piece->copies_in_flight;
  if (piece->copies_in_flight > 0 || piece->lost) return;
  piece->lost = true;
  ++lost_count_;
}

ControlSender::Piece* ControlSender::find(std::uint32_t offset) {
  std::size_t low = 0;
  std::size_t high = pieces_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (distance(pieces_[middle].offset, offset) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < pieces_.size() && pieces_[low].offset == offset ? &pieces_[low] : nullptr;
}

Bytes ControlSender::bytes_of(const Piece& piece) const {
  return Bytes{bytes_}.subspan(head_ + (piece.offset - base_), piece.bytes);
}

// ControlReceiver.

Status<> ControlReceiver::handle(std::uint32_t offset, Bytes bytes) {
  const std::int32_t ahead = distance(offset, end_);
  if (ahead > 0) {
    const auto gap = static_cast<std::size_t>(ahead);
    if (gap + bytes.size() > kControlWindowBytes) return Unexpected{DropReason::kControlOverflow};
    store(offset, bytes);
    return Done{};
  }
  // -ahead bytes were received before; computed without negating the smallest integer.
  const std::size_t known = end_ - offset;
  if (known >= bytes.size()) return Done{};
  if (const auto taken = take_in_order(bytes.subspan(known)); !taken) return taken;
  return stored_count_ > 0 ? take_stored() : Done{};
}

Status<> ControlReceiver::take_in_order(Bytes bytes) {
  if (reader_.pending_bytes() + bytes.size() > kPendingBytesMax) {
    return Unexpected{DropReason::kControlOverflow};
  }
  const std::size_t marked = std::min(bytes.size(), capacity_);
  for (std::uint32_t i = 0; stored_count_ > 0 && i < marked; ++i) {
    std::uint8_t& mark = present_[(end_ + i) & (capacity_ - 1)];
    stored_count_ -= mark;
    mark = 0;
  }
  reader_.feed(bytes);
  end_ += static_cast<std::uint32_t>(bytes.size());
  return Done{};
}

Status<> ControlReceiver::take_stored() {
  while (stored_count_ > 0 && stored_at(end_)) {
    // Up to the next gap, or to where the ring wraps.
    const std::size_t at = end_ & (capacity_ - 1);
    std::size_t size = 0;
    while (at + size < capacity_ && present_[at + size] != 0) ++size;
    if (const auto taken = take_in_order({&stored_[at], size}); !taken) return taken;
  }
  return Done{};
}

void ControlReceiver::store(std::uint32_t offset, Bytes bytes) {
  make_room(offset - end_ + bytes.size());
  for (std::uint32_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = (offset + i) & (capacity_ - 1);
    stored_count_ += present_[at] == 0 ? 1U : 0U;
    present_[at] = 1;
    stored_[at] = bytes[i];
  }
}

void ControlReceiver::make_room(std::size_t span) {
  if (span <= capacity_) return;
  constexpr std::size_t kFirst = 2048;
  const std::size_t larger = std::max(kFirst, std::bit_ceil(span));
  auto stored = std::make_unique<std::byte[]>(larger);
  auto present = std::make_unique<std::uint8_t[]>(larger);
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    const std::uint32_t offset = end_ + i;
    if (!stored_at(offset)) continue;
    stored[offset & (larger - 1)] = stored_[offset & (capacity_ - 1)];
    present[offset & (larger - 1)] = 1;
  }
  stored_ = std::move(stored);
  present_ = std::move(present);
  capacity_ = larger;
}

}  // namespace sluice::link
