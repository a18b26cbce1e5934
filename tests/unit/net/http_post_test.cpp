#include "net/http_post.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/tcp.h"

namespace sluice::net {
namespace {

/// A server that answers with fixed bytes, or closes.
class Posting : public testing::Test {
 protected:
  Posting() : listener(loop, Callback<std::unique_ptr<TcpConnection>>::to<&Posting::take>(this)) {}

  void take(std::unique_ptr<TcpConnection> connection) {
    server = std::move(connection);
    server->start({{},
                   Callback<Bytes>::to<&Posting::hear>(this),
                   Callback<CloseReason>::to<&Posting::lose>(this)});
  }

  void hear(Bytes bytes) {
    heard += as_text(bytes);
    if (heard.find("\r\n\r\nbody") == std::string::npos) return;
    if (!answer.empty()) static_cast<void>(server->write(as_bytes(answer)));
    if (closes) server->close();
  }

  void lose(CloseReason) { server.reset(); }

  void done(const PostResult& result) {
    results.push_back(result);
    loop.stop();
  }

  PostResult post(std::string says, bool then_closes = true) {
    answer = std::move(says);
    closes = then_closes;
    heard.clear();
    const auto address = listener.address().port != 0
                             ? listener.address()
                             : *listener.listen(Address::v4(127, 0, 0, 1, 0));
    return post_to("http://" + address.to_string() + "/hook");
  }

  PostResult post_to(const std::string& url) {
    HttpPost poster(loop, *parse_http_url(url),
                    Callback<const PostResult&>::to<&Posting::done>(this));
    poster.post("body", {{"X-Sign", "s"}});
    EXPECT_TRUE(poster.busy());
    loop.run();
    EXPECT_FALSE(poster.busy());
    return results.back();
  }

  Loop loop;
  TcpListener listener;
  std::unique_ptr<TcpConnection> server;
  std::string heard, answer;
  bool closes = true;
  std::vector<PostResult> results;
};

TEST_F(Posting, SaysWhatTheOtherEndAnswered) {
  EXPECT_EQ(post("HTTP/1.1 204 No Content\r\n\r\n").status, 204);
  EXPECT_NE(heard.find("POST /hook HTTP/1.1\r\nHost: 127.0.0.1:"), std::string::npos) << heard;
  EXPECT_NE(heard.find("\r\nContent-Length: 4\r\n"), std::string::npos);
  EXPECT_NE(heard.find("\r\nX-Sign: s\r\n"), std::string::npos);
  EXPECT_EQ(post("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", false).status, 302);
  EXPECT_EQ(post("HTTP/1.0 500 x\r\n" + std::string(100'000, 'x'), false).status, 500);
}

TEST_F(Posting, WhatIsNoAnswerIsAnError) {
  EXPECT_EQ(post("").error, "closed without an answer");
  for (const char* junk :
       {"SSH-2.0-x\r\n", "HTTP/1.1 2x4 \r\n", "HTTP/1.1  204\r\n", "\n", "HTTP/1.1 099 x\r\n"}) {
    const PostResult result = post(junk);
    EXPECT_EQ(result.status, 0) << junk;
    EXPECT_EQ(result.error, "the answer is no HTTP") << junk;
  }
  EXPECT_EQ(post(std::string(600, 'x'), false).error, "the answer is no HTTP") << "no line's end";
}

TEST_F(Posting, NobodyThereIsAnErrorAsWell) {
  const PostResult result = post_to("http://127.0.0.1:1/");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.error, "");
}

}  // namespace
}  // namespace sluice::net
