#include "relay/memory_budget.h"

#include "net/udp_socket.h"
#include "proto/base/limits.h"
#include "relay/worker/handover.h"
#include "relay/worker/worker.h"

namespace sluice::relay {

MemoryBudget memory_budget(std::size_t workers, std::size_t links_per_worker_max) {
  const std::size_t socket = net::UdpSocket::memory_bytes({});
  // From each worker to each.
  const std::size_t handover = workers * workers * kMailboxMessagesMax * sizeof(HandoverPart);
  MemoryBudget budget;
  budget.threads = (workers + 1) * socket + workers * kWorkerArenaBytes + handover;
  budget.links_max = workers * links_per_worker_max * kLinkBytesActive;
  budget.stream_max = kStreamRingBytesMax;
  return budget;
}

}  // namespace sluice::relay
