#include "net/address.h"

#include "tests/unit/net/support.h"

namespace sluice::net {
namespace {

TEST(ParseAddress, ReadsLiteralsOfBothFamilies) {
  const struct {
    std::string_view text;
    std::string_view expected;
  } cases[] = {
      {"127.0.0.1:0", "127.0.0.1:0"},
      {"192.0.2.7:65535", "192.0.2.7:65535"},
      {"[::1]:443", "[::1]:443"},
      {"[2001:db8::a]:1", "[2001:db8::a]:1"},
      {"[::ffff:192.0.2.1]:9", "192.0.2.1:9"},
      {":4433", "[::]:4433"},
      {"0.0.0.0:80", "0.0.0.0:80"},
  };

  for (const auto& c : cases) {
    const auto address = parse_address(c.text);
    ASSERT_TRUE(address) << c.text << ": " << address.error().message;
    EXPECT_EQ(address->to_string(), c.expected);
  }
}

TEST(ParseAddress, SaysWhatIsWrongAndWhatIsExpected) {
  const struct {
    std::string_view text;
    std::string_view reason;
  } cases[] = {
      {"", "the port is missing"},
      {"127.0.0.1", "the port is missing"},
      {"127.0.0.1:", "the port is not a number"},
      {"127.0.0.1:65536", "the port is not a number"},
      {"127.0.0.1:-1", "the port is not a number"},
      {"127.0.0.1:80x", "the port is not a number"},
      {"::1:80", "needs brackets"},
      {"[::1]", "needs brackets"},
      {"[fe80::1%eth0]:80", "%zone"},
      {"[127.0.0.1]:80", "no host"},
      {"[]:80", "no host"},
      {"a b:80", "no host"},
      {"http://relay:80", "needs brackets"},
      {"relay.example:80", "a name, not an IP address"},
      {"256.0.0.1:80", "a name, not an IP address"},
  };

  for (const auto& c : cases) {
    const auto address = parse_address(c.text);
    ASSERT_FALSE(address) << c.text;
    EXPECT_NE(address.error().message.find(c.reason), std::string::npos) << address.error().message;
    EXPECT_NE(address.error().message.find("expected HOST:PORT"), std::string::npos);
  }
}

TEST(ParseHostPort, KeepsNamesForTheResolver) {
  const auto host = parse_host_port("relay.example:4433");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->host, "relay.example");
  EXPECT_EQ(host->port, 4433);
}

TEST(Sockaddr, TurnsBackIntoTheSameAddress) {
  for (const char* text :
       {"192.0.2.1:443", "[2001:db8::1]:443", "[::]:0", "255.255.255.255:65535"}) {
    const Address address = *parse_address(text);
    SocketAddress raw{};
    EXPECT_EQ(write_sockaddr(address, AF_INET6, raw), sizeof(sockaddr_in6));
    EXPECT_EQ(read_sockaddr(raw), address) << text;
    const socklen_t size = write_sockaddr(address, AF_INET, raw);
    ASSERT_EQ(size, address.is_v4() ? sizeof(sockaddr_in) : 0) << text;
    if (size != 0) {
      EXPECT_EQ(read_sockaddr(raw), address);
    }
  }
}

TEST(ResolveFirst, FindsTheLoopbackByName) {
  const auto address = resolve_first("localhost:7");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_TRUE(address->is_loopback());
  EXPECT_EQ(address->port, 7);
  EXPECT_FALSE(resolve_first("name with spaces:7"));
}

TEST(Resolver, AnswersOnTheLoopAndForgetsWhenDestroyed) {
  Loop loop;
  std::vector<Address> found;
  int answers = 0;
  auto take = [&](const ResolvedAddresses& result) {
    ++answers;
    if (result) found = *result;
  };
  Resolver resolver{loop, Callback<const ResolvedAddresses&>::ref(take)};
  resolver.resolve({"127.0.0.2", 9});
  resolver.resolve({"127.0.0.3", 9});
  EXPECT_EQ(answers, 0);
  EXPECT_TRUE(run_until(loop, [&] { return answers > 0; }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().to_string(), "127.0.0.3:9");
  {
    Resolver forgotten{loop, Callback<const ResolvedAddresses&>::ref(take)};
    forgotten.resolve({"127.0.0.4", 9});
  }
  loop.run();
  EXPECT_EQ(answers, 1);
}

TEST(OpenBound, NamesTheAddressAndTheCureWhenThePortIsTaken) {
  const auto first =
      open_bound(Address::v4(127, 0, 0, 1, 0), {.type = SOCK_DGRAM, .reuse_port = false});
  ASSERT_TRUE(first);
  const Address taken = bound_address(first.value().get());
  EXPECT_NE(taken.port, 0);
  const auto second = open_bound(taken, {.type = SOCK_DGRAM, .reuse_port = false});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(taken.to_string()), std::string::npos);
  EXPECT_NE(second.error().message.find("another program holds this port"), std::string::npos);
  const auto foreign =
      open_bound(Address::v4(192, 0, 2, 1, 0), {.type = SOCK_DGRAM, .reuse_port = false});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("no such address"), std::string::npos);
}

}  // namespace
}  // namespace sluice::net
