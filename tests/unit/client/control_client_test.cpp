#include "client/control_client.h"

#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/pipe.h"

namespace sluice::client {
namespace {

/// Answers every request on a Unix socket of its own, in the same loop.
class FakeRelay {
 public:
  explicit FakeRelay(net::Loop& loop)
      : path(testing::TempDir() + "/control-" + std::to_string(::getpid()) + ".sock"),
        listener_(
            loop,
            net::Callback<std::unique_ptr<net::PipeConnection>>::to<&FakeRelay::handle_connection>(
                this)) {
    EXPECT_TRUE(listener_.listen(path).has_value());
  }

  std::string path;
  std::function<schema::Message(const schema::Message&)> answer;

 private:
  void handle_connection(std::unique_ptr<net::PipeConnection> connection) {
    connection_ = std::move(connection);
    connection_->start({{}, net::Callback<Bytes>::to<&FakeRelay::handle_bytes>(this), {}});
  }

  void handle_bytes(Bytes bytes) {
    for (auto step = reader_.step(bytes); step.state == schema::FrameState::kFrame;
         step = reader_.step(bytes)) {
      const auto request = schema::decode(step.frame);
      ASSERT_TRUE(request.has_value());
      if (!answer) continue;
      const auto framed =
          schema::encode({request->id, schema::Kind::kResponse, 0, answer(request->message)});
      ASSERT_EQ(connection_->write(*framed), net::WriteResult::kQueued);
    }
  }

  net::PipeListener listener_;
  std::unique_ptr<net::PipeConnection> connection_;
  schema::FrameReader reader_;
};

TEST(ControlClient, BringsTheAnswer) {
  net::Loop loop;
  FakeRelay relay{loop};
  relay.answer = [](const schema::Message& question) -> schema::Message {
    EXPECT_TRUE(std::holds_alternative<schema::ListRooms>(question));
    schema::RoomList list;
    list.rooms.emplace_back();
    list.rooms[0].room = *RoomName::parse("demo");
    return list;
  };
  const auto client = ControlClient::connect(loop, relay.path);
  ASSERT_TRUE(client.has_value()) << client.error().message;
  for (int i = 0; i < 3; ++i) {
    const auto answer = (*client)->ask(schema::ListRooms{});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(std::get<schema::RoomList>(*answer).rooms.size(), 1U);
  }
}

TEST(ControlClient, AStatusIsAnErrorWithItsText) {
  net::Loop loop;
  FakeRelay relay{loop};
  const auto client = ControlClient::connect(loop, relay.path);
  ASSERT_TRUE(client.has_value());

  const struct {
    schema::StatusCode code;
    ExitCode exit;
  } table[] = {{schema::StatusCode::kNotFound, ExitCode::kBadInput},
               {schema::StatusCode::kDraining, ExitCode::kRefused},
               {schema::StatusCode::kNotYet, ExitCode::kRefused}};

  for (const auto& row : table) {
    relay.answer = [&row](const schema::Message&) -> schema::Message {
      schema::Status status;
      status.code = row.code;
      status.text = "the reason";
      return status;
    };
    const auto answer = (*client)->ask(schema::ListRooms{});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, row.exit);
    EXPECT_EQ(answer.error().message, "the reason");
  }
}

TEST(ControlClient, SaysThatNobodyListens) {
  net::Loop loop;
  const auto client = ControlClient::connect(loop, "/nonexistent/control.sock");
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ExitCode::kUnreachable);
  EXPECT_NE(client.error().message.find("/nonexistent/control.sock"), std::string::npos);
}

}  // namespace
}  // namespace sluice::client
