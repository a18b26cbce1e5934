#include "client/rooms/room_session.h"

#include <string>

#include <gtest/gtest.h>

#include "net/http.h"

namespace sluice::client {
namespace {

TEST(RoomSession, ReadsAddressesOfServices) {
  struct Case {
    const char* url;
    const char* host;  // nullptr: refused
  };

  constexpr Case kCases[] = {
      {"http://127.0.0.1:5757", "127.0.0.1:5757"},
      {"http://127.0.0.1:5757/", "127.0.0.1:5757"},
      {"http://127.0.0.1", "127.0.0.1"},
      {"http://[::1]:80", "[::1]:80"},
      {"http://[::1]", "[::1]"},
      {"https://127.0.0.1", "127.0.0.1"},
      {"ftp://127.0.0.1", nullptr},
      {"127.0.0.1:5757", nullptr},
      {"http://", nullptr},
      {"http://127.0.0.1:70000", nullptr},
      {"http://127.0.0.1/path", nullptr},
      {"", nullptr},
  };
  for (const Case& at : kCases) {
    const auto url = parse_room_url(at.url);
    ASSERT_EQ(url.has_value(), at.host != nullptr) << at.url;
    if (url) {
      EXPECT_EQ(url->host, at.host);
      EXPECT_EQ(url->tls.has_value(), std::string_view{at.url}.substr(0, 5) == "https");
    } else {
      EXPECT_EQ(url.error().code, ExitCode::kBadInput);
    }
  }
}

/// A server and a session on one loop.
class Ends {
 public:
  Ends() : server_(loop_) {}

  RoomSession& session(const std::string& token) {
    const auto bound = server_.listen(Address::v4(127, 0, 0, 1, 0));
    EXPECT_TRUE(bound);
    RoomUrl url{"service.test", *bound};
    session_.emplace(loop_, std::move(url), RoomClient::Config{token, "anna"},
                     net::Callback<const RoomEvent&>::to<&Ends::handle_event>(this));
    return *session_;
  }

  net::Loop loop_;
  net::HttpServer server_;
  int unawaited_ = 0;

 private:
  void handle_event(const RoomEvent&) { ++unawaited_; }

  std::optional<RoomSession> session_;
};

TEST(RoomSession, CarriesQuestionsAndAnswers) {
  Ends ends;
  std::string seen;
  ends.server_.route("GET", "/v1/rooms", [&](const net::HttpRequest& request) {
    seen = std::string{request.host} + " " + std::string{request.authorization};
    return net::HttpResponse{200, "application/json", R"({"rooms":[{"room":"a"},{"room":"b"}]})"};
  });
  RoomSession& session = ends.session("jwt");
  session.client().room_list();
  const RoomEvent event = session.await(RoomCall::kRoomList);
  EXPECT_FALSE(event.error) << event.error->message;
  const auto* const rooms = std::get_if<std::vector<ListedRoom>>(&event.result);
  ASSERT_NE(rooms, nullptr);
  ASSERT_EQ(rooms->size(), 2U);
  EXPECT_EQ((*rooms)[1].room, "b");
  EXPECT_EQ(seen, "service.test Bearer jwt");
  // One that nobody awaits goes to the listener, before the one that is awaited.
  session.client().room_list();
  session.client().login();
  session.client().pushers(*RoomName::parse("a"));
  EXPECT_TRUE(session.await(RoomCall::kPushers).error) << "404";
  EXPECT_EQ(ends.unawaited_, 2);
}

TEST(RoomSession, NamesAServiceThatIsNotThere) {
  net::Loop loop;
  Address gone;
  {
    net::HttpServer server{loop};
    gone = *server.listen(Address::v4(127, 0, 0, 1, 0));
  }

  struct Nobody {
    void handle(const RoomEvent&) {}
  } nobody;

  RoomSession session{loop,
                      {"service.test", gone},
                      {},
                      net::Callback<const RoomEvent&>::to<&Nobody::handle>(&nobody)};
  session.client().room_list();
  const RoomEvent event = session.await(RoomCall::kRoomList);
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, ExitCode::kUnreachable);
  EXPECT_NE(event.error->message.find("http://service.test: "), std::string::npos)
      << event.error->message;
}

}  // namespace
}  // namespace sluice::client
