// EgressQueue: the parts of one priority that wait to be sent for the first time, as runs of
// consecutive part numbers, oldest first. An entry is a name (track, first, count), never bytes:
// the part is read from its ring when it is sent. Full: the caller's frame is refused by name.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/ring_queue.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::link {

struct EgressEntry {
  TrackId track{};
  std::uint16_t part_bytes = 0;  // of its first part: what queue_delay is reckoned with
  Seq first;
  std::uint32_t count = 0;
  Instant deadline{};
};

class EgressQueue {
 public:
  /// `bytes` is kept: the bytes that wait here and in the other queues of the link.
  explicit EgressQueue(std::uint64_t& bytes) : bytes_(bytes) {}

  /// Appends; merges into the newest entry when it goes on where that one ends, with the same
  /// deadline. `count` >= 1. False when full.
  [[nodiscard]] bool push(const EgressEntry& entry);

  bool empty() const { return entries_.empty(); }

  std::size_t entries() const { return entries_.size(); }

  const EgressEntry& front() const { return entries_.front(); }

  /// It will be read or filled soon: a hint.
  void prefetch_front() const { entries_.prefetch_ends(1); }

  /// Takes the first part of the first entry.
  void pop_part();

  void remove_track(TrackId track);

 private:
  RingQueue<EgressEntry> entries_{kEgressEntriesMax};
  std::uint64_t& bytes_;
};

}  // namespace sluice::link
