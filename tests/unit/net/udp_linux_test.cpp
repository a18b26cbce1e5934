// What UdpSocket does with Linux's extras: many messages a call, segmentation, stamps, drop counts.
#include <algorithm>
#include <cerrno>
#include <deque>

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/net/udp_peer.h"

// The linker sends the library's sendmmsg here (--wrap): loopback never blocks a sender, so the
// kernel's "would block" and "refused" have to be played. An empty script is the real call.
struct ScriptedSend {
  int messages;      // at most so many are really sent
  int error_number;  // else, when 0 messages: this error
};

static std::deque<ScriptedSend> send_script;

extern "C" int __real_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);

extern "C" int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (send_script.empty()) return __real_sendmmsg(fd, messages, count, flags);
  const ScriptedSend step = send_script.front();
  send_script.pop_front();
  if (step.messages > 0) {
    return __real_sendmmsg(fd, messages, std::min(count, static_cast<unsigned>(step.messages)),
                           flags);
  }
  errno = step.error_number;
  return -1;
}

namespace sluice::net {
namespace {

// SO_NO_CHECK makes the kernel refuse UDP_SEGMENT with a true EINVAL, as a device without checksum
// offload would.
TEST(UdpSocket, FallsBackForGoodWhenTheKernelRefusesSegmentation) {
  Loop loop;
  Peer receiver{loop};
  Peer sender{loop};
  ASSERT_TRUE(sender.socket.segmentation());
  const int on = 1;
  ASSERT_EQ(setsockopt(sender.socket.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  const Datagram single = pattern(10);
  const Datagram run = pattern(7 * 1000 + 1);
  sender.send(receiver.socket.address(), single);
  sender.send(receiver.socket.address(), run, 1000);
  sender.send(receiver.socket.address(), run, 1000);
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == 17; }));
  auto expected = split(run, 1000);
  const auto again = expected;
  expected.insert(expected.begin(), single);
  expected.insert(expected.end(), again.begin(), again.end());
  EXPECT_TRUE(receiver.received == expected);
  EXPECT_FALSE(sender.socket.segmentation());
  EXPECT_EQ(sender.socket.counters().datagrams_dropped.value(), 0U);
}

TEST(UdpSocket, OneBadAddressDoesNotSwitchSegmentationOff) {
  Loop loop;
  Peer receiver{loop};
  Peer sender{loop};
  const Datagram run = pattern(4 * 500);
  sender.send(Address::v4(127, 0, 0, 1, 0), run, 500);  // port 0: EINVAL
  sender.send(*parse_address("[::1]:9"), run, 500);     // IPv6 on an IPv4 socket
  sender.send(receiver.socket.address(), run, 500);
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == 4; }));
  EXPECT_TRUE(sender.socket.segmentation());
  const UdpCounters& counters = sender.socket.counters();
  EXPECT_EQ(counters.datagrams_dropped.value(), 8U);
  EXPECT_EQ(counters.send_errors[static_cast<std::size_t>(SendError::kOther)].value(), 1U);
  EXPECT_EQ(counters.send_errors[static_cast<std::size_t>(SendError::kUnreachable)].value(), 1U);
}

TEST(UdpSocket, KeepsOrderWhileItWouldBlock) {
  for (const bool segmentation : {true, false}) {
    Loop loop;
    Peer receiver{loop};
    Peer sender{loop, Address::v4(127, 0, 0, 1, 0), with(segmentation, true)};
    std::vector<Datagram> expected;
    const auto send_run = [&](unsigned seed) {
      Datagram run = pattern(3 * 100 + 1, seed);
      sender.send(receiver.socket.address(), run, 100);
      const auto parts = split(run, 100);
      expected.insert(expected.end(), parts.begin(), parts.end());
      sender.socket.flush();
      std::fill(run.begin(), run.end(), std::byte{0xEE});  // the memory is the caller's again
    };
    send_script = {{1, 0}, {0, EAGAIN}, {2, 0}, {0, EAGAIN}, {1, 0}, {0, EAGAIN}};
    for (unsigned seed = 0; seed < 9; ++seed) send_run(seed);
    EXPECT_GT(sender.socket.backlog_runs(), 7U);
    ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() >= 8; }));
    for (unsigned seed = 9; seed < 12; ++seed) send_run(seed);
    ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == expected.size(); }));
    EXPECT_TRUE(receiver.received == expected);
    EXPECT_TRUE(send_script.empty());
    EXPECT_EQ(sender.socket.backlog_runs(), 0U);
    EXPECT_EQ(sender.socket.counters().would_block.value(), 3U);
    EXPECT_EQ(sender.socket.counters().datagrams_dropped.value(), 0U);
  }
}

TEST(UdpSocket, BoundsTheBacklogAndCountsWhatItDrops) {
  Loop loop;
  Peer receiver{loop};
  UdpConfig config;
  config.backlog_bytes_max = 1000;
  Peer sender{loop, Address::v4(127, 0, 0, 1, 0), config};
  send_script = {{0, EAGAIN}};
  const Datagram run = pattern(500);
  for (int i = 0; i < 5; ++i) {
    sender.send(receiver.socket.address(), run, 100);
    sender.socket.flush();
  }
  EXPECT_EQ(sender.socket.backlog_runs(), 2U);
  EXPECT_EQ(sender.socket.counters().datagrams_dropped.value(), 15U);
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == 10; }));
  EXPECT_EQ(sender.socket.backlog_runs(), 0U);
}

TEST(UdpSocket, CountsRefusalsByClassAndGoesOn) {
  const struct {
    int error_number;
    SendError expected;
    std::size_t received;
  } cases[] = {
      {ENETUNREACH, SendError::kUnreachable, 1},
      {EMSGSIZE, SendError::kTooLarge, 1},
      {EPERM, SendError::kForbidden, 1},
      {ENOBUFS, SendError::kNoMemory, 1},
      {EBADF, SendError::kOther, 1},
      {ECONNREFUSED, SendError::kRefused, 2},
  };

  for (const auto& c : cases) {
    Loop loop;
    Peer receiver{loop};
    Peer sender{loop};
    send_script = {{0, c.error_number}};
    const Datagram refused = pattern(10);
    const Datagram next = pattern(20);
    sender.send(receiver.socket.address(), refused);
    sender.send(receiver.socket.address(), next);
    sender.socket.flush();
    ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == c.received; }));
    EXPECT_EQ(receiver.received.back().size(), 20U);
    EXPECT_EQ(sender.socket.counters().send_errors[static_cast<std::size_t>(c.expected)].value(),
              1U);
    EXPECT_EQ(sender.socket.counters().datagrams_dropped.value(), 2 - c.received);
  }
}

TEST(UdpSocket, TellsEcnAndKernelTimeOfBothFamilies) {
  for (const bool v6 : {false, true}) {
    Loop loop;
    UdpConfig config;
    config.kernel_stamps = true;
    Peer receiver{loop, *parse_address(":0"), config};
    Peer sender{loop, v6 ? *parse_address("[::1]:0") : Address::v4(127, 0, 0, 1, 0)};
    const int ce = 3;
    ASSERT_EQ(setsockopt(sender.socket.fd(), v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         v6 ? IPV6_TCLASS : IP_TOS, &ce, sizeof ce),
              0);
    const Instant before = loop.refresh_now();
    const Datagram datagram = pattern(10);
    sender.send(receiver.loopback(v6), datagram);
    sender.socket.flush();
    ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == 1; }));
    EXPECT_EQ(receiver.last.ecn, 3);
    ASSERT_TRUE(receiver.last.received_at.has_value());
    // The two clocks are read one after the other: some microseconds of error.
    EXPECT_GE(*receiver.last.received_at, before - std::chrono::milliseconds{1});
    EXPECT_LE(*receiver.last.received_at, loop.now() + std::chrono::milliseconds{1});
  }
}

TEST(UdpSocket, CountsWhatTheKernelDroppedAndWhatIsTooLong) {
  Loop loop;
  UdpConfig config = with(true, false);
  config.receive_buffer_bytes = 8192;
  Peer receiver{loop, Address::v4(127, 0, 0, 1, 0), config};
  EXPECT_GE(receiver.socket.receive_buffer_bytes(), 2048);
  EXPECT_LT(receiver.socket.receive_buffer_bytes(), 65536);
  Peer sender{loop};
  const Datagram datagram = pattern(1000);
  for (int i = 0; i < 100; ++i) sender.send(receiver.socket.address(), datagram);
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return !receiver.received.empty(); }));
  const std::size_t arrived = receiver.received.size();
  EXPECT_LT(arrived, 100U);
  const Datagram too_long = pattern(3000);
  const Datagram shortest = pattern(1);
  sender.send(receiver.socket.address(), too_long);
  sender.send(receiver.socket.address(), shortest);
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == arrived + 1; }));
  EXPECT_EQ(receiver.socket.counters().kernel_receive_drops.value(), 100 - arrived);
  EXPECT_EQ(receiver.socket.counters().truncated.value(), 1U);
}

}  // namespace
}  // namespace sluice::net
