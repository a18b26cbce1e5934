// RetransmitQueue: lost parts of one priority that go again (P-RETX-01), the one with the nearest
// deadline first: a part with 20 ms left must not wait behind one with 200. The part itself is read
// from its ring when its turn comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::link {

struct LostPart {
  TrackId track{};
  Seq seq;
  Instant deadline{};
};

class RetransmitQueue {
 public:
  /// False when full: the part is given up.
  [[nodiscard]] bool push(const LostPart& part);

  bool empty() const { return heap_.empty(); }

  std::size_t size() const { return heap_.size(); }

  /// The part with the nearest deadline; of equal ones the one lost first.
  const LostPart& front() const { return heap_.front().part; }

  void pop_front();

  /// Forgets all parts of a track.
  void remove_track(TrackId track);

 private:
  struct Entry {
    LostPart part;
    std::uint64_t order = 0;  // of losing: keeps equal deadlines in sequence
  };

  static bool later(const Entry& a, const Entry& b);

  std::vector<Entry> heap_;
  std::uint64_t next_order_ = 0;
};

}  // namespace sluice::link
