#include "rooms/v1_events.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

constexpr std::int64_t kStartedUs = 1'800'000'000'000'000;
constexpr std::uint64_t kFirst = kStartedUs;

class Events : public testing::Test {
 protected:
  std::uint64_t add(const char* kind, const char* room = "r") {
    return events.add(room_id(room), {{"kind", kind}}, 5)["seq"].get<std::uint64_t>() - kFirst;
  }

  std::uint64_t say(const std::string& text) {
    return events.add_message(room_id("r"), {{"kind", "text"}, {"text", text}}, 5)["seq"]
               .get<std::uint64_t>() -
           kFirst;
  }

  void listen(std::uint64_t who, std::uint64_t after, const char* user = "u") {
    events.listen(ListenerId{who}, room_id("r"), user_id(user), after, 5);
  }

  /// "1:join 2:gap", by listener.
  std::string told() {
    std::string text;
    for (const RoomEvents::Send& send : events.take_sends()) {
      const auto json = nlohmann::json::parse(send.text);
      if (!text.empty()) text += ' ';
      text += std::to_string(static_cast<std::uint64_t>(send.to)) + ":" +
              json.value("text", json.value("kind", ""));
    }
    return text;
  }

  RoomEvents events{kStartedUs};
};

TEST_F(Events, GoToWhoListensInTheRoomAndAreNumbered) {
  listen(1, 0);
  listen(2, 0);
  EXPECT_EQ(add("join"), 1U);
  EXPECT_EQ(add("join", "other"), 2U);
  EXPECT_EQ(told(), "1:join 2:join");
  events.forget(ListenerId{1});
  events.forget(ListenerId{1});
  EXPECT_EQ(add("leave"), 3U);
  EXPECT_EQ(told(), "2:leave");
  EXPECT_EQ(events.listener_count(), 1U);
}

TEST_F(Events, WhoComesLateHearsTheLastMessagesAlone) {
  add("join");
  for (std::size_t i = 0; i < kRoomMessagesKept + 2; ++i) say("m" + std::to_string(i));
  listen(1, 0);
  const std::string text = told();
  EXPECT_EQ(text.rfind("1:m2 1:m3 ", 0), 0U) << text;
  EXPECT_EQ(text.find("join"), std::string::npos);
  EXPECT_EQ(events.messages(room_id("r"), 0).size(), kRoomMessagesKept);
  EXPECT_EQ(events.messages(room_id("r"), kFirst + 1 + kRoomMessagesKept + 1).size(), 1U);
  EXPECT_TRUE(events.messages(room_id("none"), 0).empty());
}

TEST_F(Events, WhoComesBackHearsWhatHeMissedOnceAndInOrder) {
  add("join"), say("hello"), add("leave"), say("bye");

  const struct {
    std::uint64_t after;
    const char* told;
  } kCases[] = {{1, "1:hello 1:leave 1:bye"}, {2, "1:leave 1:bye"}, {3, "1:bye"}, {4, ""}};

  for (const auto& c : kCases) {
    listen(1, kFirst + c.after);
    EXPECT_EQ(told(), c.told) << c.after;
    events.forget(ListenerId{1});
  }
}

TEST_F(Events, WhatIsNotKeptAnyMoreIsAGap) {
  for (std::size_t i = 0; i < kEventsKept; ++i) add("change");
  listen(1, kFirst + 1);
  EXPECT_EQ(told().find("gap"), std::string::npos) << "all that follow are still there";
  events.forget(ListenerId{1});
  add("change"), add("change");
  told();
  listen(1, kFirst + 2);
  EXPECT_EQ(told().find("gap"), std::string::npos) << "the two that went he has heard";
  events.forget(ListenerId{1});
  listen(1, kFirst + 1);
  EXPECT_EQ(told().rfind("1:gap 1:change", 0), 0U);
}

TEST_F(Events, ANumberOfAnotherTimeIsAGap) {
  add("join");
  for (const std::uint64_t after : {std::uint64_t{1}, kFirst - 1, kFirst + 2, UINT64_MAX}) {
    listen(1, after);
    EXPECT_EQ(told(), "1:gap 1:join") << after;
    events.forget(ListenerId{1});
  }
  RoomEvents later{kStartedUs + 100'000};  // a tenth of a second
  EXPECT_GT(later.add(room_id("r"), {{"kind", "x"}}, 5)["seq"].get<std::uint64_t>(), kFirst + 1);
}

TEST_F(Events, LeavingAndDissolvingEndTheListening) {
  listen(1, 0, "alice");
  listen(2, 0, "bob");
  events.close_user(room_id("r"), user_id("alice"), "left");
  auto closes = events.take_closes();
  ASSERT_EQ(closes.size(), 1U);
  EXPECT_EQ(closes[0].who, ListenerId{1});
  EXPECT_EQ(closes[0].reason, "left");
  events.forget(ListenerId{1});
  say("x");
  events.close_room(room_id("r"));
  closes = events.take_closes();
  ASSERT_EQ(closes.size(), 1U);
  EXPECT_EQ(closes[0].reason, "dissolved");
  EXPECT_TRUE(events.messages(room_id("r"), 0).empty()) << "a new room of this id begins empty";
}

}  // namespace
}  // namespace sluice::rooms
