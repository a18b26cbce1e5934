// Control streams: two reliable, ordered byte streams of messages in each direction
// (P-CTRL-01..03). ControlSender keeps what is not acknowledged, cut into pieces; a piece is what
// one CONTROL frame carried, and goes again as the same piece when all its copies are lost.
// ControlReceiver puts the bytes in order and the messages together. Both start small and are
// bounded by the 64 KiB window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/ring_queue.h"
#include "proto/base/time.h"
#include "proto/wire/control_message.h"

namespace sluice::link {

/// While loss is above this, every CONTROL frame is sent twice (P-CTRL-03).
inline constexpr double kControlTwiceAboveLoss = 0.02;

/// The second copy follows the first after this: behind most bursts, ahead of the loss report.
inline constexpr Duration kControlCopyDelay = std::chrono::milliseconds{10};

/// Bytes of a stream that one CONTROL frame should carry.
struct ControlPiece {
  std::uint32_t offset = 0;
  Bytes bytes;
};

class ControlSender {
 public:
  /// `first_offset`: stream bytes that travelled elsewhere already (P-CTRL-02).
  explicit ControlSender(std::uint32_t first_offset) : base_(first_offset), next_(first_offset) {}

  /// Appends a message. kControlTooLarge, or kControlOverflow when the window is full.
  Status<> append(std::uint8_t type, Bytes body);

  /// True when next() has something.
  bool has_work(Instant now) const;

  /// When a second copy is due; kNever without one.
  Instant copy_due() const { return copies_.empty() ? kNever : copies_.front().due; }

  /// The piece to send now: a lost one, a due copy, or new bytes, of at most `room` bytes; nothing
  /// when there is none or it does not fit. Counts as sent. `twice`: a copy shall follow.
  std::optional<ControlPiece> next(Instant now, std::size_t room, bool twice);

  void on_acknowledged(std::uint32_t offset);
  void on_lost(std::uint32_t offset);

  /// Bytes written and not acknowledged.
  std::size_t unacknowledged() const { return bytes_.size() - head_; }

 private:
  struct Piece {
    std::uint32_t offset = 0;
    std::uint16_t bytes = 0;
    std::uint8_t copies_in_flight = 0;
    bool acknowledged = false;
    bool lost = false;
  };

  struct Copy {
    std::uint32_t offset = 0;
    Instant due{};
  };

  Piece* find(std::uint32_t offset);
  Bytes bytes_of(const Piece& piece) const;
  std::optional<ControlPiece> send(Instant now, Piece& piece, std::size_t room, bool twice);
  std::optional<ControlPiece> next_lost(Instant now, std::size_t room, bool twice);
  std::optional<ControlPiece> next_copy(Instant now, std::size_t room);
  std::optional<ControlPiece> next_new(Instant now, std::size_t room, bool twice);

  std::vector<std::byte> bytes_;  // from base_ on, behind head_ bytes that are done with
  std::size_t head_ = 0;
  std::uint32_t base_;                          // lowest offset not acknowledged
  std::uint32_t next_;                          // first offset never sent
  RingQueue<Piece> pieces_{kControlPiecesMax};  // [base_, next_), in order
  RingQueue<Copy> copies_{kControlPiecesMax};
  std::size_t lost_count_ = 0;
};

class ControlReceiver {
 public:
  explicit ControlReceiver(std::uint32_t first_offset) : end_(first_offset) {}

  /// Bytes of one CONTROL frame. kControlOverflow when they lie beyond the window, or when nobody
  /// took the messages: the link must close.
  Status<> handle(std::uint32_t offset, Bytes bytes);

  /// The next whole message; its body is valid until handle(). Error: kControlTooLarge, for good.
  std::optional<Result<wire::MessageView>> poll() { return reader_.next(); }

 private:
  /// In order and not yet taken: one message that is not whole, and what arrives between two polls.
  static constexpr std::size_t kPendingBytesMax =
      kControlWindowBytes + kControlMessageBytesMax + wire::kMessageHeaderBytes;

  Status<> take_in_order(Bytes bytes);
  Status<> take_stored();
  void store(std::uint32_t offset, Bytes bytes);
  void make_room(std::size_t span);

  bool stored_at(std::uint32_t offset) const { return present_[offset & (capacity_ - 1)] != 0; }

  wire::MessageReader reader_;
  std::uint32_t end_;  // first offset not received in order
  // Bytes beyond a gap: a ring by offset, with a mark for each byte that is there. Grows to the
  // window; nothing is ever moved, so many small frames cost no more than their bytes.
  std::size_t capacity_ = 0;
  std::size_t stored_count_ = 0;
  std::unique_ptr<std::byte[]> stored_;
  std::unique_ptr<std::uint8_t[]> present_;
};

}  // namespace sluice::link
