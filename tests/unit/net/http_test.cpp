#include "net/http.h"

#include <string>

#include "net/address.h"
#include "tests/unit/net/http_client.h"
#include "tests/unit/net/support.h"

namespace sluice::net {
namespace {

class Http : public HttpServing {
 protected:
  Http() {
    server = std::make_unique<HttpServer>(loop);
    server->route("GET", "/healthz", [](const HttpRequest&) {
      return HttpResponse{200, "text/plain", "ok\n"};
    });
    server->route("GET", "/large", [this](const HttpRequest&) {
      return HttpResponse{200, "text/plain", large};
    });
    server->route("GET", "/empty", [](const HttpRequest&) {
      return HttpResponse{204, "text/plain", ""};
    });
    server->route("GET", "/seen", [](const HttpRequest& request) {
      const auto part = [](std::string_view text) { return std::string{text} + "|"; };
      return HttpResponse{200, "text/plain",
                          part(request.method) + part(request.path) + part(request.argument("a")) +
                              part(request.argument("b")) + part(request.argument("c")) +
                              part(request.argument("d")) + part(request.host) +
                              part(request.authorization) + part(request.content_type) +
                              part(request.origin)};
    });
    server->route("POST", "/large", [this](const HttpRequest&) {
      return HttpResponse{200, "text/plain", large};
    });
    server->route("POST", "/echo", [](const HttpRequest& request) {
      return HttpResponse{201, "application/octet-stream", text_of(request.body)};
    });
  }

  std::string large = text_of(pattern(3'000'001));
};

TEST_F(Http, AnswersManyRequestsOnOneConnection) {
  while_serving([&](const Address& address) {
    Client client{address};
    for (int i = 0; i < 3; ++i) {
      const Answer health = client.ask(get("/healthz"));
      EXPECT_EQ(health.status, 200);
      EXPECT_EQ(health.body, "ok\n");
      EXPECT_EQ(health.headers.at("content-type"), "text/plain");
      EXPECT_EQ(health.headers.at("cache-control"), "no-store");
      const Answer echo = client.ask(post("/echo", "body " + std::to_string(i)));
      EXPECT_EQ(echo.status, 201);
      EXPECT_EQ(echo.body, "body " + std::to_string(i));
      EXPECT_EQ(client.ask(get("/empty")).status, 204);
      const Answer missing = client.ask(get("/missing"));
      EXPECT_EQ(missing.status, 404);
      EXPECT_EQ(missing.body, "404\n");
    }
    EXPECT_TRUE(client.ask(get("/large")).body == large);
    EXPECT_EQ(client.ask(get("/healthz")).status, 200);
  });
}

TEST_F(Http, AnswersPipelinedRequestsInTheirOrder) {
  while_serving([&](const Address& address) {
    Client client{address};
    client.send(get("/healthz") + get("/large") + get("/missing") + post("/echo", ""));
    EXPECT_EQ(client.read_answer().body, "ok\n");
    EXPECT_TRUE(client.read_answer().body == large);
    Client after_post{address};
    after_post.send(post("/echo", "one") + get("/healthz"));
    EXPECT_EQ(after_post.read_answer().body, "one");
    EXPECT_EQ(after_post.read_answer().body, "ok\n");
  });
}

// The library would read such a body from the wrong place, and then never return to the loop.
TEST_F(Http, EndsTheConnectionWhenABodyIsPipelined) {
  while_serving([&](const Address& address) {
    for (const std::string& body :
         {std::string{"two"}, std::string{"a longer body"}, std::string(3000, 'b')}) {
      for (const std::string& first :
           {get("/healthz"), post("/echo", "ok\n"), get("/healthz") + "\r\n"}) {
        Client client{address};
        std::string second = post("/echo", body);
        client.send(first + second);
        EXPECT_EQ(client.read_answer().body, "ok\n");
        EXPECT_TRUE(client.at_end());
        second.replace(0, 4, "post");
        Client lower_case{address};
        lower_case.send(first + second);
        EXPECT_EQ(lower_case.read_answer().body, "ok\n");
        EXPECT_TRUE(lower_case.at_end());
      }
    }
    EXPECT_EQ(Client{address}.ask(get("/healthz")).status, 200);
  });
}

TEST_F(Http, ServesOthersWhileOneDoesNotReadItsAnswers) {
  int iterations = 0;
  auto count = [&] { ++iterations; };
  const AfterPoll after_poll{loop, Callback<>::ref(count)};
  while_serving([&](const Address& address) {
    Client asking{address};
    asking.send(get("/large") + get("/large") + get("/large"));
    Client posting{address};
    posting.send(post("/large", "x") + get("/healthz"));
    EXPECT_EQ(Client{address}.ask(get("/healthz")).status, 200);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(asking.read_answer().body == large);
    EXPECT_TRUE(posting.read_answer().body == large);
  });
  EXPECT_LT(iterations, 20'000);  // a loop that spins makes a million
}

TEST_F(Http, AnswersHeadAsGetWithoutABody) {
  while_serving([&](const Address& address) {
    Client client{address};
    const Answer head = client.ask("HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n", true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("content-length"), "3");
    EXPECT_EQ(client.ask(get("/healthz")).body, "ok\n");
  });
}

TEST_F(Http, TellsWhichMethodsAPathHas) {
  while_serving([&](const Address& address) {
    Client client{address};
    const Answer get_only = client.ask("DELETE /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(get_only.status, 405);
    EXPECT_EQ(get_only.headers.at("allow"), "GET, HEAD");
    const Answer post_only = client.ask(get("/echo"));
    EXPECT_EQ(post_only.status, 405);
    EXPECT_EQ(post_only.headers.at("allow"), "POST");
    const Answer with_body = client.ask(post("/healthz", "unread"));
    EXPECT_EQ(with_body.status, 405);
    EXPECT_TRUE(client.at_end());
  });
}

TEST_F(Http, TakesBodiesUpToTheirLimit) {
  while_serving([&](const Address& address) {
    const std::string largest = text_of(pattern(kHttpBodyBytesMax));
    Client client{address};
    EXPECT_EQ(client.ask(post("/echo", "")).status, 201);
    EXPECT_TRUE(client.ask(post("/echo", largest)).body == largest);
    EXPECT_EQ(client.ask(post("/echo", largest + "x")).status, 413);
    for (const char* length : {"65537", "99999999999999999999", "-1", "12x"}) {
      Client announcer{address};
      const Answer refused =
          announcer.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::string{length} +
                        "\r\n\r\nsome");
      EXPECT_EQ(refused.status, 413) << length;
      EXPECT_EQ(refused.headers.at("connection"), "close");
      EXPECT_TRUE(announcer.at_end());
    }
    Client unmeasured{address};
    EXPECT_EQ(unmeasured.ask("POST /echo HTTP/1.1\r\nHost: h\r\n\r\n").status, 411);
    Client chunked{address};
    EXPECT_EQ(chunked
                  .ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "4\r\nbody\r\n0\r\n\r\n")
                  .status,
              411);
    Client odd{address};
    EXPECT_EQ(odd.ask("GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody").status,
              400);
    EXPECT_TRUE(odd.at_end());
  });
}

TEST_F(Http, HandsOverWhatHandlersNeed) {
  while_serving([&](const Address& address) {
    Client client{address};
    const Answer seen = client.ask(
        "GET /se%65n?a=1&b=x%20y%26&c HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer t\r\n"
        "Content-Type: text/x\r\nOrigin: http://o\r\n\r\n");
    EXPECT_EQ(seen.body, "GET|/seen|1|x y&|||relay.test|Bearer t|text/x|http://o|");
    EXPECT_EQ(client.ask(get("/seen")).body, "GET|/seen|||||h||||");
  });
}

TEST_F(Http, SurvivesBadClients) {
  while_serving([&](const Address& address) {
    for (const std::string& text :
         {std::string{"\x16\x03\x01 no http at all\r\n\r\n"},
          "GET " + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
          "GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'b') + "\r\n\r\n"}) {
      Client client{address};
      client.send(text);
    }
    Client half{address};
    half.send("GET /heal");
    {
      Client unread{address};
      unread.send(get("/large"));
    }
    {
      Client cut{address};
      cut.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
    }
    Client client{address};
    EXPECT_EQ(client.ask(get("/healthz")).status, 200);
  });
}

TEST_F(Http, ListensOnSeveralAddressesAndRefusesATakenPort) {
  const auto first = server->listen(Address::v4(127, 0, 0, 1, 0));
  ASSERT_TRUE(first) << first.error().message;
  const auto second = server->listen(*parse_address("[::1]:0"));
  ASSERT_TRUE(second) << second.error().message;
  const auto taken = server->listen(*first);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find(first->to_string()), std::string::npos);
  EXPECT_NE(taken.error().message.find("listen on another one"), std::string::npos);
  while_serving([&](const Address&) {
    EXPECT_EQ(Client{*first}.ask(get("/healthz")).status, 200);
    EXPECT_EQ(Client{*second}.ask(get("/healthz")).status, 200);
  });
}

TEST_F(Http, ClosesWithConnectionsOpenAndAnswersHalfSent) {
  const auto address = server->listen(Address::v4(127, 0, 0, 1, 0));
  ASSERT_TRUE(address);
  Client idle{*address};
  Client reading{*address};
  reading.send(get("/large"));
  Client writing{*address};
  writing.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  for (int i = 0; i < 20; ++i) loop.run_ready();
  server.reset();
}

TEST_F(Http, MayBeDestroyedWithoutHavingListened) { server.reset(); }

}  // namespace
}  // namespace sluice::net
