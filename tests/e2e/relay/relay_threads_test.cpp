// The relay with its threads and sockets, in this process, on loopback: members talk to it over
// real UDP while the main thread asks and orders. Built with -fsanitize=thread it is the proof that
// the threads share nothing but their rings.
#include <poll.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/address.h"
#include "net/loop.h"
#include "net/socket.h"
#include "relay/relay.h"
#include "tests/sim/relay/relay_client.h"

namespace sluice::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A simulated member on a real socket.
class SocketMember {
 public:
  SocketMember(sim::RelayClientConfig config, const Relay& relay, const TicketRequest& request,
               Instant now)
      : to_(relay.address()) {
    const IssuedTicket issued = relay.issue_ticket(request);
    crypto::PublicKey key;
    std::copy_n(relay.public_key().begin(), key.size(), key.begin());
    client_ = std::make_unique<sim::RelayClient>(
        std::move(config), to_, crypto::RelayKey::from_public(key),
        sim::RelayNode::Credentials{crypto::SealedTicket{issued.ticket}, crypto::Psk{issued.psk}},
        now);
    auto bound = net::open_bound(Address::v4(127, 0, 0, 1, 0), {SOCK_DGRAM, false});
    CHECK(bound.has_value());
    fd_ = std::move(*bound);
    const int bytes = 1 << 20;
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }

  void turn(Instant now) {
    std::byte buffer[2048];
    for (;;) {
      const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) break;
      client_->handle_datagram(now, Bytes{buffer, static_cast<std::size_t>(got)}, to_);
    }
    if (client_->next_deadline() <= now) client_->handle_timeout(now);
    net::SocketAddress to;
    const socklen_t length = net::write_sockaddr(to_, AF_INET, to);
    while (const auto datagram = client_->poll_datagram(now)) {
      sendto(fd_.get(), datagram->bytes.data(), datagram->bytes.size(), 0, &to.generic, length);
    }
  }

  sim::RelayClient& client() { return *client_; }

 private:
  Address to_;
  std::unique_ptr<sim::RelayClient> client_;
  net::Fd fd_;
};

class RelayThreads : public testing::Test {
 protected:
  void start(RelayOptions options) {
    options.listen = Address::v4(127, 0, 0, 1, 0);
    auto started =
        Relay::start(options, loop_, [this](const RelayEvent& e) { events_.push_back(e); });
    ASSERT_TRUE(started.has_value()) << started.error().message;
    relay_ = std::move(*started);
  }

  sim::RelayClient& join(const std::string& room, const std::string& user,
                         const std::string& pushes = {}) {
    sim::RelayClientConfig config;
    config.seed = 100 + members_.size();
    if (!pushes.empty()) config.pushes.emplace_back().name = pushes;
    TicketRequest request;
    request.room = *RoomName::parse(room);
    request.user = *UserName::parse(user);
    request.rights = 15;
    members_.push_back(
        std::make_unique<SocketMember>(config, *relay_, request, loop_.refresh_now()));
    return members_.back()->client();
  }

  /// Runs everybody until `done`; false when `limit` has passed before.
  bool run_until(Duration limit, const std::function<bool()>& done) {
    const Instant end = loop_.refresh_now() + limit;
    while (loop_.refresh_now() < end) {
      loop_.run_ready();
      for (auto& member : members_) member->turn(loop_.now());
      if (done()) return true;
      poll(nullptr, 0, 1);
    }
    return done();
  }

  void run_for(Duration time) {
    static_cast<void>(run_until(time, [] { return false; }));
  }

  net::Loop loop_;
  std::vector<RelayEvent> events_;
  std::unique_ptr<Relay> relay_;
  std::vector<std::unique_ptr<SocketMember>> members_;
};

RelayOptions three_workers() {
  RelayOptions options;
  options.workers = 3;
  options.placement = Placement::kRoundRobin;
  return options;
}

void expect_same(const sim::RelayClient& pusher, const sim::RelayClient& subscriber,
                 const std::string& track) {
  ASSERT_TRUE(subscriber.received.contains(track));
  const sim::Parts& received = subscriber.received.at(track);
  ASSERT_FALSE(received.empty());
  std::uint32_t first = received.begin()->first;
  for (const auto& [seq, part] : received) {
    if (Seq{seq}.distance_from(Seq{first}) < 0) first = seq;
  }
  const sim::Difference difference = sim::compare(pusher.sent.at(track), received, first);
  EXPECT_EQ(difference.missing, 0U) << track;
  EXPECT_EQ(difference.different, 0U) << track;
}

TEST_F(RelayThreads, CarryRoomsOverThreeWorkersBitExact) {
  start(three_workers());
  std::vector<sim::RelayClient*> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(&join("room", "user" + std::to_string(i), "cam" + std::to_string(i)));
  }
  run_for(seconds{3});
  for (auto* client : clients) client->stop_media();
  run_for(milliseconds{700});
  for (std::size_t from = 0; from < clients.size(); ++from) {
    for (std::size_t to = 0; to < clients.size(); ++to) {
      if (from == to) continue;
      expect_same(*clients[from], *clients[to], "cam" + std::to_string(from) + "/v");
      expect_same(*clients[from], *clients[to], "cam" + std::to_string(from) + "/a");
    }
  }
  std::uint64_t handed_over = 0;
  for (std::size_t i = 0; i < relay_->worker_count(); ++i) {
    handed_over += relay_->worker_metrics(i).handover_parts_in.value();
  }
  EXPECT_GT(handed_over, 0U);
}

TEST_F(RelayThreads, AnswerTheMainThreadAndObeyIt) {
  start(three_workers());
  sim::RelayClient& ann = join("room", "ann", "cam");
  sim::RelayClient& bob = join("room", "bob");
  join("other", "eve");
  ASSERT_TRUE(run_until(seconds{5}, [&] { return bob.received.contains("cam/v"); }));
  run_for(milliseconds{600});

  std::vector<RoomSnapshot> rooms;
  relay_->rooms([&](std::vector<RoomSnapshot> answer) { rooms = std::move(answer); });
  ASSERT_TRUE(run_until(seconds{5}, [&] { return rooms.size() == 2; }));
  EXPECT_EQ(rooms[1].name.view(), "room");
  EXPECT_EQ(rooms[1].members, 2U);
  EXPECT_EQ(rooms[1].streams, 1U);
  EXPECT_EQ(rooms[1].subscriptions, 1U);

  std::vector<MemberSnapshot> members;
  relay_->members(*RoomName::parse("room"),
                  [&](std::vector<MemberSnapshot> answer) { members = std::move(answer); });
  ASSERT_TRUE(run_until(seconds{5}, [&] { return members.size() == 2; }));
  EXPECT_EQ(members[0].user.view(), "ann");
  ASSERT_EQ(members[0].streams.size(), 1U);
  EXPECT_GT(members[0].streams[0].frames, 0U);
  EXPECT_GT(members[0].uplink_bps, 0U);
  EXPECT_GT(members[1].downlink_bps, 0U);
  EXPECT_EQ(masked_address(members[0].address), "127.0.0.x");

  std::optional<std::size_t> kicked;
  relay_->kick(*RoomName::parse("room"), *UserName::parse("ann"), std::nullopt,
               [&](std::size_t count) { kicked = count; });
  ASSERT_TRUE(run_until(seconds{5}, [&] { return ann.closed.has_value(); }));
  EXPECT_EQ(ann.closed, link::CloseCode::kKicked);
  EXPECT_EQ(kicked, 1U);

  bool drained = false;
  relay_->drain(milliseconds{100}, [&] { drained = true; });
  ASSERT_TRUE(run_until(seconds{5}, [&] { return drained && bob.closed.has_value(); }));
  EXPECT_EQ(bob.closed, link::CloseCode::kDraining);
  std::size_t in = 0;
  std::size_t out = 0;
  for (const RelayEvent& event : events_) {
    in += std::holds_alternative<MemberIn>(event) ? 1U : 0U;
    out += std::holds_alternative<MemberOut>(event) ? 1U : 0U;
  }
  EXPECT_EQ(in, 3U);
  EXPECT_EQ(out, 3U);
}

TEST_F(RelayThreads, StopInTheMiddleOfMediaAndSayGoodbye) {
  start(three_workers());
  sim::RelayClient& ann = join("room", "ann", "cam");
  sim::RelayClient& bob = join("room", "bob");
  ASSERT_TRUE(run_until(seconds{5}, [&] { return bob.received.contains("cam/v"); }));
  relay_.reset();
  ASSERT_TRUE(run_until(seconds{2}, [&] { return ann.closed && bob.closed; }));
  EXPECT_EQ(ann.closed, link::CloseCode::kDraining);
}

TEST_F(RelayThreads, SurviveMembersComingAndGoing) {
  start(three_workers());
  for (int round = 0; round < 5; ++round) {
    members_.clear();
    for (int i = 0; i < 6; ++i) {
      join("room" + std::to_string(i % 2), "user" + std::to_string(i), "cam" + std::to_string(i));
    }
    run_for(milliseconds{300});
    for (auto& member : members_) {
      if (member->client().joined()) member->client().leave(loop_.now());
    }
    run_for(milliseconds{100});
  }
  ASSERT_TRUE(run_until(seconds{8}, [&] { return relay_->door_metrics().links.value() == 0; }));
}

TEST_F(RelayThreads, APortInUseIsAFailureWithItsAddress) {
  const net::Fd taken =
      std::move(*net::open_bound(Address::v4(127, 0, 0, 1, 0), {SOCK_DGRAM, false}));
  RelayOptions options;
  options.listen = net::bound_address(taken.get());
  const auto started = Relay::start(options, loop_, nullptr);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find(std::to_string(options.listen.port)), std::string::npos);
}

TEST(MaskedAddress, HidesTheHost) {
  EXPECT_EQ(masked_address(Address::v4(192, 0, 2, 77, 443)), "192.0.2.x");
  const Result<Address, Failure> six = net::parse_address("[2001:db8:7::1:2]:443");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(masked_address(*six), "2001:db8:7::x");
}

}  // namespace
}  // namespace sluice::relay
