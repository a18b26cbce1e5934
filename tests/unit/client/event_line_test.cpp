#include "client/cli/event_line.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

TEST(EventLine, SaysInWordsWhatHappened) {
  const struct {
    const char *event, *words;
  } table[] = {
      {R"({"kind":"join","user":"anna","role":"pusher"})", "anna came in as pusher"},
      {R"({"kind":"leave","user":"anna","reason":"kicked"})", "anna is out: kicked"},
      {R"({"kind":"text","user":"anna","text":"a\u001b[2J\nb"})", "anna says a?[2J?b"},
      {R"({"kind":"custom","user":"anna","data":{"a":1}})", R"(anna sends {"a":1})"},
      {R"({"kind":"quality","user":"anna","quality":3})", "anna has quality 3 of 1 to 6"},
      {R"({"kind":"dissolve","reason":"destroyed"})", "the room is dissolved: destroyed"},
      {R"({"kind":"change","user":"anna"})", "change anna"},
      {R"({"kind":"gap"})", "what happened before is not kept any more"},
  };

  for (const auto& row : table) {
    EXPECT_EQ(event_line(row.event), std::string{"--:--:-- "} + row.words);
  }
  EXPECT_EQ(event_line("no\tJSON \xC2\x9B \xC2\xA9"), "no?JSON ?? \xC2\xA9");
}

}  // namespace
}  // namespace sluice::client
