// MemoryBudget: what a relay will take by its configuration: what each thread has from the start,
// and what each link and each stream may come to. Printed at start, so that an operator sees what
// limits mean before members do. Kernel memory (socket buffers) is not in it.
#pragma once

#include <cstddef>

namespace sluice::relay {

/// A subscriber's link with all that belongs to it, as measured (docs/PERFORMANCE.md): after
/// joining, and with media at 21 packets a second without loss. More of both makes tables grow.
inline constexpr std::size_t kLinkBytesIdle = 26'000;
inline constexpr std::size_t kLinkBytesActive = 41'000;

struct MemoryBudget {
  std::size_t threads = 0;     // arenas and rings of all threads, allocated at start
  std::size_t links_max = 0;   // as many links as the limits admit, all of them active
  std::size_t stream_max = 0;  // the rings of one stream, on each worker that has members for it
  std::size_t link_idle = kLinkBytesIdle, link_active = kLinkBytesActive;
};

MemoryBudget memory_budget(std::size_t workers, std::size_t links_per_worker_max);

}  // namespace sluice::relay
