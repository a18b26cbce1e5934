#include "relay/socket_drops.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

TEST(SocketDrops, EachDropIsCountedOnce) {
  net::UdpCounters socket;
  ThreadMetrics metrics;
  SocketDrops drops;
  const auto refused = [&] {
    return metrics.drops[static_cast<std::size_t>(DropReason::kSendRefused)].value();
  };
  socket.kernel_receive_drops.add(3);
  drops.note(socket, metrics);
  drops.note(socket, metrics);
  EXPECT_EQ(metrics.socket_receive_drops.value(), 3U);
  EXPECT_EQ(refused(), 0U);
  socket.kernel_receive_drops.add();
  socket.datagrams_dropped.add(2);
  drops.note(socket, metrics);
  drops.note(socket, metrics);
  EXPECT_EQ(metrics.socket_receive_drops.value(), 4U);
  EXPECT_EQ(refused(), 2U);
}

}  // namespace
}  // namespace sluice::relay
