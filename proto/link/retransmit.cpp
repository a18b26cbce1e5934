#include "proto/link/retransmit.h"

#include <algorithm>

namespace sluice::link {

bool RetransmitQueue::push(const LostPart& part) {
  if (heap_.size() >= kRetransmitPartsMax) return false;
  heap_.push_back({part, next_order_++});
  std::push_heap(heap_.begin(), heap_.end(), later);
  return true;
}

void RetransmitQueue::pop_front() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  heap_.pop_back();
}

void RetransmitQueue::remove_track(TrackId track) {
  const auto gone = std::remove_if(heap_.begin(), heap_.end(),
                                   [&](const Entry& entry) { return entry.part.track == track; });
  heap_.erase(gone, heap_.end());
  std::make_heap(heap_.begin(), heap_.end(), later);
}

bool RetransmitQueue::later(const Entry& a, const Entry& b) {
  if (a.part.deadline != b.part.deadline) return a.part.deadline > b.part.deadline;
  return a.order > b.order;
}

}  // namespace sluice::link
