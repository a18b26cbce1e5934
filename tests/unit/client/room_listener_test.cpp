#include "client/rooms/room_listener.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http.h"

namespace sluice::client {
namespace {

/// A service with one room's events, and a listener to them, on one loop.
class Listening : public testing::Test {
 protected:
  void SetUp() override {
    net::WebSocketHandlers handlers;
    handlers.accept = [this](const net::HttpRequest& request,
                             net::WebSocketId id) -> std::optional<net::HttpResponse> {
      asked_.push_back(std::string{request.path} + " after " +
                       std::string{request.argument("after")} + " " +
                       std::string{request.authorization});
      if (refuses_) {
        return net::HttpResponse{*refuses_, "application/problem+json",
                                 R"({"title":"No such room","cure":"Make it first."})"};
      }
      id_ = id;
      return std::nullopt;
    };
    handlers.opened = [this](net::WebSocketId id) {
      for (const std::string& text : says_) server_.send(id, text);
      if (!closes_.empty()) server_.close(id, closes_);
    };
    handlers.closed = [](net::WebSocketId) {};
    server_.websockets(std::move(handlers));
    url_.address = *server_.listen(Address::v4(127, 0, 0, 1, 0));
    url_.host = "service.test";
  }

  void handle_open() { ++opened_; }

  void handle_event(const std::string& event) {
    heard_ += event + " ";
    // What the service says from now on, and whether it goes.
    if (heard_at_ != 0 && --heard_at_ == 0) loop_.stop();
  }

  void handle_end(const Error& end) {
    end_ = end;
    loop_.stop();
  }

  void listen() {
    listener_.emplace(loop_, url_,
                      RoomListener::Handlers{
                          net::Callback<>::to<&Listening::handle_open>(this),
                          net::Callback<const std::string&>::to<&Listening::handle_event>(this),
                          net::Callback<const Error&>::to<&Listening::handle_end>(this)});
    listener_->listen(*RoomName::parse("lobby"), "jwt");
    loop_.run();
  }

  net::Loop loop_;
  net::HttpServer server_{loop_};
  RoomUrl url_;
  std::vector<std::string> says_, asked_;
  std::string closes_, heard_;
  std::optional<int> refuses_;
  net::WebSocketId id_{};
  int opened_ = 0, heard_at_ = 0;
  std::optional<Error> end_;
  std::optional<RoomListener> listener_;
};

TEST_F(Listening, HearsEventsUntilTheRoomIsGone) {
  says_ = {R"({"seq":7})", R"({"seq":8})"};
  closes_ = "dissolved";
  listen();
  EXPECT_EQ(asked_, std::vector<std::string>{"/v1/rooms/lobby/events after  Bearer jwt"});
  EXPECT_EQ(heard_, R"({"seq":7} {"seq":8} )");
  EXPECT_EQ(opened_, 1);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->code, ExitCode::kOk);
  EXPECT_EQ(end_->message, "dissolved");
}

TEST_F(Listening, GoesOnBehindTheLastEventAfterALoss) {
  says_ = {R"({"seq":7})", R"({"seq":5})"};
  closes_ = "slow_listener";
  heard_at_ = 4;
  listen();
  ASSERT_EQ(asked_.size(), 2U);
  EXPECT_EQ(asked_[1], "/v1/rooms/lobby/events after 7 Bearer jwt") << "the greatest";
  EXPECT_EQ(opened_, 2);
  EXPECT_FALSE(end_);
}

TEST_F(Listening, ARefusalIsTheEndOfItWithItsCure) {
  refuses_ = 404;
  listen();
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->code, ExitCode::kRefused);
  EXPECT_EQ(end_->message, "No such room: Make it first.");
  EXPECT_EQ(opened_, 0);
}

}  // namespace
}  // namespace sluice::client
