#include "relay/questions.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

TEST(Questions, AnswerOnceWhenEveryPartyHas) {
  Questions questions;
  std::vector<std::size_t> answers;
  const QuestionId id = questions.ask_count(2, [&](std::size_t n) { answers.push_back(n); });
  questions.handle({id, std::size_t{3}});
  EXPECT_TRUE(answers.empty());
  questions.handle({id, std::size_t{4}});
  questions.handle({id, std::size_t{5}});
  EXPECT_EQ(answers, std::vector<std::size_t>{7});
}

TEST(Questions, SumUpTheBranchesOfARoom) {
  Questions questions;
  std::vector<RoomSnapshot> rooms;
  const QuestionId id =
      questions.ask_rooms(2, [&](std::vector<RoomSnapshot> r) { rooms = std::move(r); });
  RoomSnapshot room;
  room.name = *RoomName::parse("room");
  room.members = 2;
  questions.handle({id, std::vector{room}});
  room.members = 3;
  questions.handle({id, std::vector{room}});
  ASSERT_EQ(rooms.size(), 1U);
  EXPECT_EQ(rooms[0].members, 5U);
  EXPECT_EQ(rooms[0].branches, 1U);
}

TEST(Questions, MayBeAskedFromInsideAnAnswer) {
  Questions questions;
  bool second = false;
  QuestionId id = questions.ask_count(
      1, [&](std::size_t) { id = questions.ask_count(1, [&](std::size_t) { second = true; }); });
  questions.handle({id, std::size_t{0}});
  questions.handle({id, std::size_t{0}});
  EXPECT_TRUE(second);
}

}  // namespace
}  // namespace sluice::relay
