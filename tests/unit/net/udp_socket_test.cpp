#include "net/udp_socket.h"

#include <algorithm>
#include <memory>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/address.h"
#include "tests/unit/net/udp_peer.h"

namespace sluice::net {
namespace {

struct Path {
  bool v6, segmentation, coalescing;
};

class UdpPaths : public testing::TestWithParam<Path> {};

TEST_P(UdpPaths, CarryRunsUnchangedAndInOrder) {
  const Path path = GetParam();
  Loop loop;
  const Address any = path.v6 ? *parse_address("[::1]:0") : Address::v4(127, 0, 0, 1, 0);
  const UdpConfig config = with(path.segmentation, path.coalescing);
  Peer receiver{loop, any, config};
  Peer sender{loop, any, config};
  EXPECT_EQ(sender.socket.segmentation(), path.segmentation);
  EXPECT_EQ(receiver.socket.coalescing(), path.coalescing);

  const struct {
    std::size_t bytes;
    std::uint16_t segment;
  } runs[] = {{1, 0},          {1232, 0},         {1232, 1232},
              {1233, 1232},    {16 * 1232, 1232}, {15 * 1232 + 7, 1232},
              {64 * 100, 100}, {65 * 100, 100},   {200 * 400 + 1, 400}};

  std::vector<Datagram> expected;
  std::vector<Datagram> memory;
  for (const auto& run : runs)
    memory.push_back(pattern(run.bytes, static_cast<unsigned>(run.bytes)));
  for (std::size_t i = 0; i < memory.size(); ++i) {
    sender.send(receiver.loopback(path.v6), memory[i], runs[i].segment);
    const auto parts = split(memory[i], runs[i].segment == 0 ? memory[i].size() : runs[i].segment);
    expected.insert(expected.end(), parts.begin(), parts.end());
  }
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() >= expected.size(); }));
  EXPECT_TRUE(receiver.received == expected);
  EXPECT_EQ(receiver.last.from, sender.loopback(path.v6));
  const UdpCounters& sent = sender.socket.counters();
  const UdpCounters& got = receiver.socket.counters();
  EXPECT_EQ(sent.datagrams_out.value(), expected.size());
  EXPECT_EQ(got.datagrams_in.value(), expected.size());
  EXPECT_EQ(sent.bytes_out.value(), got.bytes_in.value());
  EXPECT_EQ(sent.messages_out.value() < sent.datagrams_out.value(), path.segmentation);
  EXPECT_EQ(got.messages_in.value() < got.datagrams_in.value(),
            path.segmentation && path.coalescing);
  EXPECT_LT(sent.send_calls.value(), sent.datagrams_out.value());
}

#ifdef SLUICE_PORTABLE_IO
INSTANTIATE_TEST_SUITE_P(All, UdpPaths,
                         testing::Values(Path{false, false, false}, Path{true, false, false}));
#else
INSTANTIATE_TEST_SUITE_P(All, UdpPaths,
                         testing::Values(Path{false, true, true}, Path{false, true, false},
                                         Path{false, false, true}, Path{false, false, false},
                                         Path{true, true, true}, Path{true, true, false},
                                         Path{true, false, true}, Path{true, false, false}));
#endif

TEST(UdpSocket, ServesBothFamiliesOnOneSocketAndAnswersThem) {
  Loop loop;
  Peer server{loop, *parse_address(":0")};
  Peer v4{loop};
  Peer v6{loop, *parse_address("[::1]:0")};
  const Datagram question = pattern(40);
  for (Peer* client : {&v4, &v6}) {
    client->send(server.loopback(client == &v6), question);
    client->socket.flush();
    ASSERT_TRUE(run_until(loop, [&] { return server.received.size() == 1; }));
    EXPECT_EQ(server.last.from, client->socket.address());
    server.send(server.last.from, server.received.front());
    server.socket.flush();
    ASSERT_TRUE(run_until(loop, [&] { return client->received.size() == 1; }));
    EXPECT_EQ(client->received.front(), question);
    server.received.clear();
  }
}

TEST(UdpSocket, SendsMoreThanOneCallTakes) {
  Loop loop;
  Peer receiver{loop};
  Peer sender{loop, Address::v4(127, 0, 0, 1, 0), with(false, false)};
  std::vector<Datagram> expected;
  for (unsigned i = 0; i < 200; ++i) expected.push_back(pattern(50, i));
  for (const Datagram& datagram : expected) sender.send(receiver.socket.address(), datagram);
  sender.socket.flush();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == expected.size(); }));
  EXPECT_TRUE(receiver.received == expected);
  EXPECT_EQ(sender.socket.counters().send_calls.value(), 4U);
}

TEST(UdpSocket, ReadsAtMostFourBatchesAWakeUp) {
  Loop loop;
  Peer receiver{loop, Address::v4(127, 0, 0, 1, 0), with(true, false)};
  Peer sender{loop};
  const Datagram datagram = pattern(20);
  for (int i = 0; i < 300; ++i) sender.send(receiver.socket.address(), datagram);
  sender.socket.flush();
  loop.run_ready();
  EXPECT_EQ(receiver.received.size(), 256U);
  loop.run_ready();
  EXPECT_EQ(receiver.received.size(), 300U);
}

TEST(UdpSocket, DeliversWhatHasArrivedWithoutTheLoop) {
  Loop loop;
  Peer a{loop}, b{loop};
  const Datagram bytes(100, std::byte{7});
  a.send(b.loopback(false), bytes);
  a.socket.flush();
  EXPECT_TRUE(b.received.empty());
  b.socket.receive_arrived();
  EXPECT_EQ(b.received, std::vector<Datagram>{bytes});
  b.socket.receive_arrived();
  EXPECT_EQ(b.received.size(), 1U);
}

TEST(UdpSocket, DeliversAnEmptyDatagram) {
  Loop loop;
  Peer receiver{loop};
  const Fd raw{::socket(AF_INET, SOCK_DGRAM, 0)};
  SocketAddress to{};
  const socklen_t size = write_sockaddr(receiver.socket.address(), AF_INET, to);
  ASSERT_EQ(::sendto(raw.get(), "", 0, 0, &to.generic, size), 0);
  ASSERT_TRUE(run_until(loop, [&] { return receiver.received.size() == 1; }));
  EXPECT_TRUE(receiver.received.front().empty());
}

TEST(UdpSocket, NamesTheAddressAndTheCureWhenThePortIsTaken) {
  Loop loop;
  Peer first{loop};
  UdpSocket second{loop, Callback<const ReceivedBatch&>{}};
  const auto opened = second.open(first.socket.address(), {});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(first.socket.address().to_string()), std::string::npos);
  EXPECT_NE(opened.error().message.find("listen on another one"), std::string::npos);
}

TEST(UdpSocket, APortThatAGroupHasIsNotUnusedAndIsAgainWhenTheGroupIsGone) {
  Loop loop;
  Address address = Address::v4(127, 0, 0, 1, 0);
  EXPECT_TRUE(require_unused_udp_port(address));
  {
    UdpSocket member{loop, Callback<const ReceivedBatch&>{}};
    ASSERT_TRUE(member.open(address, {.reuse_port = true}));
    address = member.address();
    const auto unused = require_unused_udp_port(address);
    ASSERT_FALSE(unused);
    EXPECT_NE(unused.error().message.find(address.to_string()), std::string::npos);
  }
  EXPECT_TRUE(require_unused_udp_port(address));
}

}  // namespace
}  // namespace sluice::net
