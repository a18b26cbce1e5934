#include "client/rooms/http_answer.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using State = HttpAnswerReader::State;

struct Case {
  const char* text;
  State at_bytes, at_end;
  int status;
  const char* body;
};

constexpr Case kCases[] = {
    {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", State::kDone, State::kDone, 200, "{}"},
    {"HTTP/1.1 200 OK\r\nContent-Length:  2 \r\n\r\n{}more", State::kDone, State::kDone, 200, "{}"},
    {"HTTP/1.0 404 No\r\ncontent-length: 0\r\n\r\n", State::kDone, State::kDone, 404, ""},
    {"HTTP/1.1 204 No Content\r\n\r\n", State::kDone, State::kDone, 204, ""},
    {"HTTP/1.1 200 OK\r\n\r\nuntil its end", State::kMore, State::kDone, 200, "until its end"},
    {"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", State::kMore, State::kBroken, 0, ""},
    {"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", State::kBroken, State::kBroken, 0,
     ""},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"HTTP/1.1 099 No\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"HTTP/1.1 2x0 No\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", State::kBroken, State::kBroken, 0, ""},
    {"HTTP/1.1 200 OK\r\n", State::kMore, State::kBroken, 0, ""},
    {"", State::kMore, State::kBroken, 0, ""},
};

TEST(HttpAnswer, IsReadWhereverItIsCut) {
  for (const Case& at : kCases) {
    const std::string_view text{at.text};
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      HttpAnswerReader reader;
      reader.handle_bytes(as_bytes(text.substr(0, cut)));
      ASSERT_EQ(reader.handle_bytes(as_bytes(text.substr(cut))), at.at_bytes) << text << cut;
      ASSERT_EQ(reader.handle_end(), at.at_end) << text << cut;
      if (at.at_end != State::kDone) continue;
      EXPECT_EQ(reader.answer().status, at.status) << text;
      EXPECT_EQ(reader.answer().body, at.body) << text << cut;
    }
  }
}

TEST(HttpAnswer, OfAnyLengthIsBroken) {
  HttpAnswerReader heads;
  EXPECT_EQ(heads.handle_bytes(as_bytes("HTTP/1.1 200 OK\r\na: " + std::string(20000, 'a'))),
            State::kBroken);
  HttpAnswerReader bodies;
  bodies.handle_bytes(as_bytes("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_EQ(bodies.handle_bytes(as_bytes(std::string((1U << 20U) + 1, 'a'))), State::kBroken);
}

TEST(HttpAnswer, IsAskedForWithWhatTheQuestionHas) {
  EXPECT_EQ(request_text({"GET", "/v1/rooms", "", ""}, "h:1"),
            "GET /v1/rooms HTTP/1.1\r\nhost: h:1\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(request_text({"POST", "/p", "tok", "{}"}, "h"),
            "POST /p HTTP/1.1\r\nhost: h\r\nconnection: close\r\nauthorization: Bearer tok\r\n"
            "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
  EXPECT_EQ(request_text({"POST", "/p", "", ""}, "h"),
            "POST /p HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

}  // namespace
}  // namespace sluice::client
