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

TEST(SocketDrops, CallsAndMessagesAreAddedAsTheyGrow) {
  net::UdpCounters socket;
  ThreadMetrics metrics;
  SocketDrops drops;
  for (int turn = 0; turn < 2; ++turn) {
    socket.receive_calls.add(2);
    socket.send_calls.add(3);
    socket.messages_out.add(40);
    drops.note(socket, metrics);
    drops.note(socket, metrics);
  }
  EXPECT_EQ(metrics.receive_calls.value(), 4U);
  EXPECT_EQ(metrics.send_calls.value(), 6U);
  EXPECT_EQ(metrics.messages_out.value(), 80U);
}

}  // namespace
}  // namespace sluice::relay
