#include "relay/control/control_server.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "net/pipe.h"
#include "relay/control/connection.h"
#include "tests/unit/schema/samples.h"

namespace sluice::relay {
namespace {

using schema::Envelope;
using schema::Kind;
using schema::Message;
using schema::StatusCode;

/// A folder of its own for each test's socket.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "control-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }

  ~ScratchFolder() { std::filesystem::remove_all(path_); }

  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A room service or tool at the other end of the socket.
class Peer {
 public:
  Peer(net::Loop& loop, const std::string& path) {
    auto connected = net::PipeConnection::connect(loop, path);
    EXPECT_TRUE(connected);
    pipe_ = *std::move(connected);
    pipe_->start({{},
                  net::Callback<Bytes>::to<&Peer::on_bytes>(this),
                  net::Callback<net::CloseReason>::to<&Peer::on_closed>(this)});
  }

  void send_bytes(Bytes bytes) { EXPECT_EQ(pipe_->write(bytes), net::WriteResult::kQueued); }

  void send(const Envelope& envelope) {
    const auto framed = schema::encode(envelope);
    ASSERT_TRUE(framed) << framed.error().message;
    send_bytes(*framed);
  }

  void ask(std::uint64_t id, Message message) { send({id, Kind::kRequest, 0, std::move(message)}); }

  /// The answer to `id`, once it arrived.
  template <class T>
  const T* answer(std::uint64_t id) const {
    for (const Envelope& e : received) {
      if (e.kind == Kind::kResponse && e.id == id) return std::get_if<T>(&e.message);
    }
    return nullptr;
  }

  std::optional<StatusCode> status(std::uint64_t id) const {
    const auto* status = answer<schema::Status>(id);
    return status == nullptr ? std::nullopt : std::optional{status->code};
  }

  template <class T>
  const T* event() const {
    for (const Envelope& e : received) {
      if (e.kind == Kind::kEvent && std::holds_alternative<T>(e.message)) {
        return &std::get<T>(e.message);
      }
    }
    return nullptr;
  }

  std::vector<Envelope> received;
  bool closed = false;

 private:
  void on_bytes(Bytes bytes) {
    for (auto s = reader_.step(bytes); s.state == schema::FrameState::kFrame;
         s = reader_.step(bytes)) {
      auto decoded = schema::decode(s.frame);
      ASSERT_TRUE(decoded) << decoded.error().text;
      received.push_back(*std::move(decoded));
    }
  }

  void on_closed(net::CloseReason) { closed = true; }

  schema::FrameReader reader_;
  std::unique_ptr<net::PipeConnection> pipe_;
};

class ControlServerTest : public testing::Test {
 protected:
  explicit ControlServerTest(Duration deadline = kControlDeadline) : server(loop, deadline) {
    ControlServer::Handlers handlers;
    handlers.hello = [this] {
      schema::Hello hello;
      hello.address = "127.0.0.1:4400";
      hello.boot_id = boot_id;
      return hello;
    };
    handlers.request = [this](const Message& request, ControlServer::Reply reply) {
      requests.push_back(request);
      if (answers) {
        reply(schema::Status{});
      } else {
        replies.push_back(std::move(reply));
      }
    };
    handlers.state = [this] { return state; };
    handlers.ticket_key = schema::counted_from<32>(7);
    server.set_handlers(std::move(handlers));
    const auto listening = server.listen_unix(path);
    EXPECT_TRUE(listening) << listening.error().message;
  }

  template <class Done>
  void run_until(Done done) {
    // A timer that is due when a turn begins runs before the turn waits, and may be what we wait
    // for: without a tick the turn would then wait for nothing, for ever.
    struct Tick {
      explicit Tick(net::Loop& loop) : timer(loop, net::Callback<>::to<&Tick::again>(this)) {
        again();
      }

      void again() { timer.arm_in(std::chrono::milliseconds{1}); }

      net::Timer timer;
    } tick{loop};

    for (int i = 0; i < 5000 && !done(); ++i) loop.run_once();
    ASSERT_TRUE(done());
  }

  ScratchFolder folder;
  std::string path = folder.file("relay.sock");
  net::Loop loop;
  ControlServer server;
  schema::BootId boot_id = schema::counted_from<16>(1);
  bool answers = true;
  std::vector<Message> requests;
  std::vector<ControlServer::Reply> replies;
  std::vector<Message> state;
};

/// Waits for nobody: for the tests in which somebody does not answer.
class ImpatientControlServerTest : public ControlServerTest {
 protected:
  ImpatientControlServerTest() : ControlServerTest(std::chrono::milliseconds{2}) {}
};

TEST_F(ControlServerTest, SaysHelloAndAnswersARequest) {
  Peer peer(loop, path);
  peer.ask(5, schema::ListRooms{});
  run_until([&] { return peer.status(5).has_value(); });
  ASSERT_NE(peer.event<schema::Hello>(), nullptr);
  EXPECT_EQ(peer.event<schema::Hello>()->address, "127.0.0.1:4400");
  EXPECT_EQ(peer.status(5), StatusCode::kOk);
  EXPECT_TRUE(std::holds_alternative<schema::ListRooms>(requests.at(0)));
}

TEST_F(ControlServerTest, ItsSocketIsForItsUserAlone) {
  struct stat status {};

  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ControlServerTest, UnknownAndMalformedMessagesAreAnsweredAndTheConnectionStays) {
  Peer peer(loop, path);
  // A message number beyond the union: the sample's own bytes with the type changed.
  const auto framed = schema::encode({9, Kind::kRequest, 0, schema::Drain{1}});
  ASSERT_TRUE(framed);
  auto unknown = *framed;
  bool changed = false;
  for (std::size_t i = 4; i < unknown.size() && !changed; ++i) {
    const std::byte before = unknown[i];
    unknown[i] = std::byte{200};
    const auto got = schema::decode(Bytes{unknown}.subspan(4));
    changed = !got && got.error().code == StatusCode::kUnknownMessage;
    if (!changed) unknown[i] = before;
  }
  ASSERT_TRUE(changed);
  peer.send_bytes(unknown);
  std::vector<std::byte> noise(20, std::byte{0x55});
  store_be<4>(noise.data(), 16);
  peer.send_bytes(noise);
  peer.ask(10, schema::ListRooms{});
  run_until([&] { return peer.status(10).has_value(); });
  EXPECT_EQ(peer.status(9), StatusCode::kUnknownMessage);
  EXPECT_EQ(peer.status(0), StatusCode::kMalformed);
  EXPECT_EQ(peer.status(10), StatusCode::kOk);
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(server.counts().refusals, 2U);
}

TEST_F(ControlServerTest, ALengthThatCannotBeOursIsAnsweredAndEndsTheConnection) {
  Peer peer(loop, path);
  peer.send_bytes(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  run_until([&] { return peer.closed; });
  EXPECT_EQ(peer.status(0), StatusCode::kMalformed);
  run_until([&] { return server.counts().connections == 0; });
}

TEST_F(ControlServerTest, ARequestNeedsAnIdAndEventsAreNotForTheRelay) {
  Peer peer(loop, path);
  peer.ask(0, schema::ListRooms{});
  peer.send({4, Kind::kEvent, 0, schema::RoomDown{schema::room("r")}});
  run_until([&] { return peer.status(4).has_value(); });
  EXPECT_EQ(peer.status(0), StatusCode::kMalformed);
  EXPECT_EQ(peer.status(4), StatusCode::kRefused);
  EXPECT_TRUE(requests.empty());
}

TEST_F(ControlServerTest, TheHighestEpochIsActiveAndTheOthersStandBy) {
  Peer first(loop, path), second(loop, path);
  first.ask(1, schema::Attach{1, "first"});
  run_until([&] { return first.answer<schema::Attached>(1) != nullptr; });
  EXPECT_TRUE(first.answer<schema::Attached>(1)->active);
  EXPECT_EQ(first.answer<schema::Attached>(1)->ticket_key, schema::counted_from<32>(7));

  second.ask(1, schema::Attach{1, "second"});
  run_until([&] { return second.answer<schema::Attached>(1) != nullptr; });
  EXPECT_FALSE(second.answer<schema::Attached>(1)->active) << "the first has this epoch";

  second.ask(2, schema::Attach{2, "second"});
  run_until([&] { return first.event<schema::Attached>() != nullptr; });
  EXPECT_FALSE(first.event<schema::Attached>()->active) << "it is told";
  run_until([&] { return second.answer<schema::Attached>(2) != nullptr; });
  EXPECT_TRUE(second.answer<schema::Attached>(2)->active);

  first.ask(3, schema::Kick{schema::room("r"), schema::user("u"), {}});
  first.ask(4, schema::ListRooms{});
  run_until([&] { return first.status(4).has_value(); });
  EXPECT_EQ(first.status(3), StatusCode::kNotActive);
  EXPECT_EQ(first.status(4), StatusCode::kOk);

  server.publish(schema::RoomDown{schema::room("r")});
  run_until([&] { return second.event<schema::RoomDown>() != nullptr; });
  EXPECT_EQ(first.event<schema::RoomDown>(), nullptr);
}

TEST_F(ControlServerTest, ALowerEpochNeverComesBackAndTheSameOneMay) {
  {
    Peer active(loop, path);
    active.ask(1, schema::Attach{5, "rooms"});
    run_until([&] { return server.counts().room_service; });
  }
  run_until([&] { return !server.counts().room_service; });
  Peer stale(loop, path), again(loop, path);
  stale.ask(1, schema::Attach{4, "stale"});
  run_until([&] { return stale.answer<schema::Attached>(1) != nullptr; });
  EXPECT_FALSE(stale.answer<schema::Attached>(1)->active);
  again.ask(1, schema::Attach{5, "rooms"});
  run_until([&] { return again.answer<schema::Attached>(1) != nullptr; });
  EXPECT_TRUE(again.answer<schema::Attached>(1)->active);
}

TEST_F(ControlServerTest, AToolNeedsNoEpochToGiveOrders) {
  Peer service(loop, path), tool(loop, path);
  service.ask(1, schema::Attach{1, "rooms"});
  run_until([&] { return server.counts().room_service; });
  tool.ask(1, schema::Drain{100});
  run_until([&] { return tool.status(1).has_value(); });
  EXPECT_EQ(tool.status(1), StatusCode::kOk);
}

TEST_F(ImpatientControlServerTest, AnAnswerThatDoesNotComeIsBusyAndALateOneIsDropped) {
  answers = false;
  Peer peer(loop, path);
  peer.ask(1, schema::ListRooms{});
  run_until([&] { return peer.status(1).has_value(); });
  EXPECT_EQ(peer.status(1), StatusCode::kBusy);
  EXPECT_EQ(server.counts().timeouts, 1U);
  replies.at(0)(schema::Status{});
  answers = true;
  peer.ask(2, schema::ListRooms{});
  run_until([&] { return peer.status(2).has_value(); });
  const auto of_first = std::count_if(peer.received.begin(), peer.received.end(),
                                      [](const Envelope& e) { return e.id == 1; });
  EXPECT_EQ(of_first, 1);
}

TEST_F(ControlServerTest, AnAnswerForAPeerThatLeftIsDropped) {
  answers = false;
  {
    Peer peer(loop, path);
    peer.ask(1, schema::ListRooms{});
    run_until([&] { return !replies.empty(); });
  }
  run_until([&] { return server.counts().connections == 0; });
  replies.at(0)(schema::Status{});
}

TEST_F(ImpatientControlServerTest, ItsOwnQuestionsEndWithoutAnAnswerToo) {
  std::vector<std::optional<Message>> got;
  const auto keep = [&](std::optional<Message> answer) { got.push_back(std::move(answer)); };
  server.ask(schema::Authorize{}, keep);
  EXPECT_TRUE(got.empty()) << "never from inside the call";
  run_until([&] { return got.size() == 1; });
  EXPECT_FALSE(got[0].has_value()) << "no room service";
  EXPECT_EQ(server.counts().timeouts, 0U);

  Peer service(loop, path);
  service.ask(1, schema::Attach{1, "rooms"});
  run_until([&] { return server.counts().room_service; });
  server.ask(schema::Authorize{}, keep);
  run_until([&] { return got.size() == 2; });
  EXPECT_FALSE(got[1].has_value()) << "it did not answer";
  EXPECT_EQ(server.counts().timeouts, 1U);
}

TEST_F(ControlServerTest, AsksTheActiveRoomService) {
  Peer service(loop, path), other(loop, path);
  service.ask(1, schema::Attach{1, "rooms"});
  run_until([&] { return server.counts().room_service; });
  std::optional<Message> got;
  server.ask(schema::Authorize{}, [&](std::optional<Message> answer) { got = std::move(answer); });
  const auto asked = [&] { return service.received.back().kind == Kind::kRequest; };
  run_until(asked);
  const std::uint64_t id = service.received.back().id;
  other.send({id, Kind::kResponse, 0, schema::Status{StatusCode::kOk}});
  other.ask(2, schema::ListRooms{});
  run_until([&] { return other.status(2).has_value(); });
  EXPECT_FALSE(got.has_value()) << "an answer counts from the one who was asked";
  service.send({id, Kind::kResponse, 0, schema::Status{StatusCode::kRefused}});
  run_until([&] { return got.has_value(); });
  EXPECT_EQ(std::get<schema::Status>(*got).code, StatusCode::kRefused);
}

TEST_F(ControlServerTest, AQuestionEndsWhenTheRoomServiceLeaves) {
  int unanswered = 0;
  {
    Peer service(loop, path);
    service.ask(1, schema::Attach{1, "rooms"});
    run_until([&] { return server.counts().room_service; });
    server.ask(schema::Authorize{}, [&](const auto& answer) { unanswered += !answer; });
  }
  run_until([&] { return unanswered == 1; });
}

TEST_F(ControlServerTest, ResyncSendsTheWholeStateUnlessNothingWasMissed) {
  state = {schema::RoomUp{schema::room("r"), {}, schema::some_bytes(3)},
           schema::MemberIn{schema::room("r"), schema::user("u"), InstanceId{1}, 15,
                            schema::EndpointKind::kLink}};
  server.publish(schema::RoomUp{schema::room("r"), {}, {}});
  Peer peer(loop, path);
  peer.ask(1, schema::Resync{boot_id, server.generation()});
  peer.ask(2, schema::Resync{boot_id, 0});
  peer.ask(3, schema::Resync{schema::counted_from<16>(99), server.generation()});
  run_until([&] { return peer.answer<schema::Resynced>(3) != nullptr; });
  EXPECT_EQ(peer.answer<schema::Resynced>(1)->events, 0U);
  EXPECT_EQ(peer.answer<schema::Resynced>(2)->events, 2U);
  EXPECT_EQ(peer.answer<schema::Resynced>(3)->events, 2U) << "another boot";
  EXPECT_EQ(peer.answer<schema::Resynced>(2)->generation, 1U);
  ASSERT_NE(peer.event<schema::RoomUp>(), nullptr);
  EXPECT_EQ(peer.event<schema::RoomUp>()->blob, schema::some_bytes(3));
}

TEST_F(ControlServerTest, AStateOfManyMessagesArrivesWhole) {
  // 1.6 MB: more than a stream queues at a time.
  state.assign(1500, schema::RoomUp{schema::room("r"), {}, schema::some_bytes(1024)});
  Peer peer(loop, path);
  peer.ask(1, schema::Resync{boot_id, 77});
  run_until([&] { return peer.answer<schema::Resynced>(1) != nullptr; });
  EXPECT_EQ(peer.received.size(), 1U + 1500U + 1U);
}

TEST_F(ControlServerTest, ASecondServerOnALiveSocketIsRefused) {
  ControlServer other(loop);
  const auto listening = other.listen_unix(path);
  ASSERT_FALSE(listening);
  EXPECT_NE(listening.error().message.find(path), std::string::npos) << listening.error().message;
}

TEST_F(ControlServerTest, CloseSendsWhatIsQueuedAndEndsEveryConnection) {
  Peer a(loop, path), b(loop, path);
  a.ask(1, schema::ListRooms{});
  run_until([&] { return a.status(1).has_value() && server.counts().connections == 2; });
  server.close();
  run_until([&] { return a.closed && b.closed && server.counts().connections == 0; });
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sluice::relay
