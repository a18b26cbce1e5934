#include "proto/link/egress_queue.h"

namespace sluice::link {

namespace {

bool continues(const EgressEntry& before, const EgressEntry& entry) {
  return before.track == entry.track && before.deadline == entry.deadline &&
         before.first + before.count == entry.first && before.part_bytes == entry.part_bytes;
}

}  // namespace

bool EgressQueue::push(const EgressEntry& entry) {
  if (!entries_.empty() && continues(entries_.back(), entry)) {
    entries_.back().count += entry.count;
  } else if (!entries_.push_back(entry)) {
    return false;
  }
  bytes_ += std::uint64_t{entry.count} * entry.part_bytes;
  return true;
}

void EgressQueue::pop_part() {
  EgressEntry& entry = entries_.front();
  bytes_ -= entry.part_bytes;
  ++entry.first;
  if (--entry.count == 0) entries_.pop_front();
}

void EgressQueue::remove_track(TrackId track) {
  // Once round: what stays goes to the back in the same order.
  for (std::size_t left = entries_.size(); left > 0; --left) {
    const EgressEntry entry = entries_.front();
    entries_.pop_front();
    if (entry.track == track) {
      bytes_ -= std::uint64_t{entry.count} * entry.part_bytes;
    } else {
      static_cast<void>(entries_.push_back(entry));  // it was in: there is room
    }
  }
}

}  // namespace sluice::link
