// SpscRing<T>: values from one thread to one other, without locks. Bounded; a push into a full ring
// is refused and the caller names the drop or keeps the value. The memory is taken by the first
// push, as most pairs of threads never talk: a relay with 8 workers has 56 pairs. Invariant: the
// producer alone writes tail_ and the slots between tail_ and head_ + kCapacity, the consumer alone
// writes head_.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "proto/base/limits.h"

namespace sluice::relay {

template <class T, std::size_t kCapacity = kMailboxMessagesMax>
class SpscRing {
 public:
  static_assert((kCapacity & (kCapacity - 1)) == 0);

  /// Producer: the slot to fill in, or nullptr when the ring is full. publish() hands it over.
  T* begin_push() {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ == kCapacity) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == kCapacity) return nullptr;
    }
    if (slots_ == nullptr) slots_ = std::make_unique<T[]>(kCapacity);
    return &slots_[tail & (kCapacity - 1)];
  }

  void publish() {
    tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// Producer: false, and `value` untouched, when the ring is full.
  [[nodiscard]] bool push(T& value) {
    T* slot = begin_push();
    if (slot == nullptr) return false;
    *slot = std::move(value);
    publish();
    return true;
  }

  /// Producer: slots it could fill now at least.
  std::size_t free_slots() {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    head_seen_ = head_.load(std::memory_order_acquire);
    return kCapacity - (tail - head_seen_);
  }

  /// Consumer: the oldest value, or nullptr. It stays until pop().
  T* front() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return nullptr;
    }
    return &slots_[head & (kCapacity - 1)];
  }

  void pop() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  // Each side's line: sharing one would cost a cache miss an access.
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;  // producer's last look at head_
  // Written before the first publish(), read only after it was seen.
  std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;  // consumer's last look at tail_
};

}  // namespace sluice::relay
