#include <memory>
#include <optional>

#include "net/address.h"
#include "net/udp_socket.h"
#include "tests/unit/net/support.h"

namespace sluice::net {
namespace {

constexpr std::size_t kWorkers = 3;

/// A socket of the group; `position` 0 is the door.
struct Member {
  explicit Member(Loop& loop)
      : socket(loop, Callback<const ReceivedBatch&>::to<&Member::on_batch>(this)) {}

  void on_batch(const ReceivedBatch& batch) { received += batch.datagrams.size(); }

  std::size_t received = 0;
  UdpSocket socket;
};

struct Group {
  Group(Loop& loop, Address address) {
    for (std::size_t i = 0; i <= kWorkers; ++i) {
      members.push_back(std::make_unique<Member>(loop));
      UdpConfig config;
      config.reuse_port = true;
      EXPECT_TRUE(members.back()->socket.bind(address, config));
      address = members.back()->socket.address();
    }
    EXPECT_TRUE(attach_steering(members.front()->socket.fd(), kWorkers));
    for (auto& member : members) EXPECT_TRUE(member->socket.start());
  }

  std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& member : members) sum += member->received;
    return sum;
  }

  std::optional<std::size_t> receiver() {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (members[i]->received == 1 && total() == 1) found = i;
      members[i]->received = 0;
    }
    return found;
  }

  std::vector<std::unique_ptr<Member>> members;
};

struct Case {
  std::size_t bytes;
  unsigned first;
  unsigned second;
  std::size_t position;
};

constexpr Case kCases[] = {
    {23, 0x40, 0x00, 1},
    {23, 0x40, 0x01, 2},
    {23, 0x41, 0x02, 3},
    {1232, 0x7F, 0x02, 3},
    {27, 0x40, 0xE1, 2},  // the generation bits do not count
    {27, 0x40, 0x03, 0},  // a worker that does not exist
    {27, 0x40, 0x1F, 0},
    {27, 0x40, 0xFF, 0},
    {22, 0x40, 0x01, 0},  // too short, though both
                          // bytes are there
    {2, 0x40, 0x01, 0},
    {1, 0x40, 0x01, 0},
    {1, 0x00, 0x00, 0},
    {1200, 0x3F, 0x01, 0},
    {1200, 0x80, 0x01, 0},
    {1200, 0xC0, 0x01, 0},
    {1200, 0x01, 0x01, 0},
};

void expect_steered(const Address& group_address, const Address& client_address) {
  Loop loop;
  Group group{loop, group_address};
  Address to = client_address;
  to.port = group.members.front()->socket.address().port;
  UdpSocket client{loop, Callback<const ReceivedBatch&>{}};
  Address from = client_address;
  from.port = 0;
  ASSERT_TRUE(client.open(from, {}));
  for (const Case& c : kCases) {
    std::vector<std::byte> bytes(c.bytes);
    bytes[0] = static_cast<std::byte>(c.first);
    if (c.bytes > 1) bytes[1] = static_cast<std::byte>(c.second);
    client.send({to, bytes, 0});
    client.flush();
    ASSERT_TRUE(run_until(loop, [&] { return group.total() > 0; }));
    EXPECT_EQ(group.receiver(), c.position) << c.bytes << " bytes " << std::hex << c.first << " "
                                            << c.second << " to " << to.to_string();
  }
}

// P-WIRE-04: the worker is in the connection id's first byte.
TEST(Steering, SendsDataToItsWorkerAndAllElseToTheDoorOnIPv4) {
  expect_steered(Address::v4(127, 0, 0, 1, 0), Address::v4(127, 0, 0, 1, 0));
}

TEST(Steering, SendsDataToItsWorkerAndAllElseToTheDoorOnIPv6) {
  expect_steered(*parse_address("[::1]:0"), *parse_address("[::1]:0"));
}

TEST(Steering, ServesBothFamiliesInOneDualStackGroup) {
  expect_steered(*parse_address(":0"), *parse_address("[::1]:0"));
  expect_steered(*parse_address(":0"), Address::v4(127, 0, 0, 1, 0));
}

TEST(Steering, LooksAtTheLengthOfARunAsItArrives) {
  Loop loop;
  Group group{loop, Address::v4(127, 0, 0, 1, 0)};
  UdpSocket client{loop, Callback<const ReceivedBatch&>{}};
  ASSERT_TRUE(client.open(Address::v4(127, 0, 0, 1, 0), {}));
  std::vector<std::byte> run(16 * 100);
  for (std::size_t i = 0; i < 16; ++i) {
    run[i * 100] = std::byte{0x40};
    run[i * 100 + 1] = std::byte{0x02};
  }
  client.send({group.members.front()->socket.address(), run, 100});
  client.flush();
  ASSERT_TRUE(run_until(loop, [&] { return group.total() == 16; }));
  EXPECT_EQ(group.members[3]->received, 16U);
}

}  // namespace
}  // namespace sluice::net
