// RingQueue<T>: a bounded FIFO that starts small and doubles up to its limit, so that an idle link
// costs little and a busy one allocates a few times in its life and then never again.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/prefetch.h"

namespace sluice {

template <class T>
class RingQueue {
 public:
  /// `limit` items at most; push_back beyond it is refused and the caller names the drop.
  explicit RingQueue(std::size_t limit) : limit_(limit) {}

  bool empty() const { return size_ == 0; }

  std::size_t size() const { return size_; }

  std::size_t capacity() const { return capacity_; }

  bool full() const { return size_ == limit_; }

  [[nodiscard]] bool push_back(T item) {
    if (size_ == limit_) return false;
    if (size_ == capacity_) grow();
    slots_[(head_ + size_) & (capacity_ - 1)] = std::move(item);
    ++size_;
    return true;
  }

  /// A new T{} behind the last, to be filled in where it is: what is made on the stack and moved in
  /// at once is read back wider than it was written, which stalls. nullptr when full.
  [[nodiscard]] T* push_new() {
    if (size_ == limit_) return nullptr;
    if (size_ == capacity_) grow();
    return &slots_[(head_ + size_++) & (capacity_ - 1)];  // pop_front() left a T{}
  }

  void pop_front() {
    DCHECK(size_ > 0);
    slots_[head_] = T{};
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
  }

  void clear() {
    while (!empty()) pop_front();
  }

  T& front() { return (*this)[0]; }

  const T& front() const { return (*this)[0]; }

  T& back() { return (*this)[size_ - 1]; }

  /// The item `index` places behind the front.
  T& operator[](std::size_t index) {
    DCHECK(index < size_);
    return slots_[(head_ + index) & (capacity_ - 1)];
  }

  const T& operator[](std::size_t index) const {
    DCHECK(index < size_);
    return slots_[(head_ + index) & (capacity_ - 1)];
  }

  /// The memory of the first `count` items, and of as many that will come behind the last. A hint.
  void prefetch_ends(std::size_t count) const {
    if (capacity_ == 0) return;
    const std::size_t tail = (head_ + size_) & (capacity_ - 1);
    prefetch(&slots_[head_], std::min(count, capacity_ - head_) * sizeof(T));
    prefetch(&slots_[tail], std::min(count, capacity_ - tail) * sizeof(T));
  }

 private:
  void grow() {
    constexpr std::size_t kFirst = 8;
    const std::size_t larger =
        capacity_ == 0 ? std::min(kFirst, std::bit_ceil(limit_)) : capacity_ * 2;
    auto slots = std::make_unique<T[]>(larger);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = larger;
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
  std::size_t limit_;
};

}  // namespace sluice
