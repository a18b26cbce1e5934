#include <poll.h>

#include <atomic>
#include <string>
#include <vector>

#include "net/http.h"
#include "tests/unit/net/http_client.h"

namespace sluice::net {
namespace {

class HttpLater : public HttpServing {
 protected:
  HttpLater() : wake(loop, Callback<>::to<&HttpLater::answer_all>(this)) {
    server = std::make_unique<HttpServer>(
        loop, HttpLimits{.connections = 700, .connections_per_address = 600});
    server->route("GET", "/healthz", [](const HttpRequest&) {
      return HttpResponse{200, "text/plain", "ok\n"};
    });
    server->fallback({[this](const HttpRequest& request) { return handle(request); },
                      [](int status, std::string_view) {
                        EXPECT_EQ(status, 413);
                        return HttpResponse{0, "application/json", "{}", {{"x-why", "size"}}};
                      }});
  }

  std::optional<HttpResponse> handle(const HttpRequest& request) {
    ++asked;
    EXPECT_TRUE(request.peer.is_loopback());
    if (request.path != "/later") {
      return HttpResponse{
          200, "text/plain", std::string{request.method}, {{"access-control-allow-origin", "*"}}};
    }
    open.push_back(request.id);
    return std::nullopt;
  }

  void answer_all() {
    for (const HttpRequestId id : open) {
      if (server->answer(id, HttpResponse{200, "text/plain", "late"})) ++answered;
      EXPECT_FALSE(server->answer(id, {})) << "only once";
    }
    open.clear();
  }

  /// From the client's thread: answers when `count` requests wait, and lets the loop say so.
  void answer_when(std::size_t count) {
    for (int i = 0; i < 300 && asked < count; ++i) ::poll(nullptr, 0, 10);
    EXPECT_GE(asked, count);
    wake.wake();
  }

  std::vector<HttpRequestId> open;
  std::atomic<std::size_t> asked = 0;
  std::size_t answered = 0;
  Async wake;
};

TEST_F(HttpLater, TheFallbackTakesWhatNoRouteWantsInAnyMethod) {
  while_serving([&](const Address& address) {
    Client client{address};
    EXPECT_EQ(client.ask(get("/healthz")).body, "ok\n");
    const Answer any = client.ask(get("/any"));
    EXPECT_EQ(any.body, "GET");
    EXPECT_EQ(any.headers.at("access-control-allow-origin"), "*");
    EXPECT_EQ(client.ask(post("/any", "x")).body, "POST");
    EXPECT_EQ(client.ask("OPTIONS /any HTTP/1.1\r\nHost: h\r\n\r\n").body, "OPTIONS");
    const Answer refused =
        client.ask("POST /any HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n");
    EXPECT_EQ(refused.status, 413);
    EXPECT_EQ(refused.headers.at("x-why"), "size");
    EXPECT_EQ(refused.body, "{}");
  });
}

TEST_F(HttpLater, AnAnswerMayComeLater) {
  while_serving([&](const Address& address) {
    Client client{address};
    for (std::size_t i = 0; i < 3; ++i) {
      client.send(post("/later", "body"));
      answer_when(i + 1);
      EXPECT_EQ(client.read_answer().body, "late");
    }
    EXPECT_EQ(client.ask(get("/healthz")).body, "ok\n");
  });
  EXPECT_EQ(answered, 3U);
}

TEST_F(HttpLater, WhatIsPipelinedBehindAnOpenRequestWaitsWithoutSpinning) {
  int iterations = 0;
  auto count = [&] { ++iterations; };
  const AfterPoll after_poll{loop, Callback<>::ref(count)};
  while_serving([&](const Address& address) {
    Client client{address};
    client.send(get("/later"));
    answer_when(0);
    Client second{address};
    second.send(get("/later") + get("/healthz"));
    ::poll(nullptr, 0, 100);
    answer_when(2);
    EXPECT_EQ(second.read_answer().body, "late");
    second.read_answer();  // the library may end the connection instead
    EXPECT_EQ(Client{address}.ask(get("/healthz")).body, "ok\n");
  });
  EXPECT_LT(iterations, 2000);
}

TEST_F(HttpLater, ManyWaitWhileOthersAreAnswered) {
  while_serving([&](const Address& address) {
    std::vector<std::unique_ptr<Client>> waiting;
    for (int i = 0; i < 500; ++i) {
      waiting.push_back(std::make_unique<Client>(address));
      waiting.back()->send(post("/later", "{}"));
    }
    for (int i = 0; i < 500 && asked < 500; ++i) ::poll(nullptr, 0, 10);
    EXPECT_EQ(Client{address}.ask(get("/healthz")).body, "ok\n");
    for (int i = 0; i < 250; ++i) waiting[static_cast<std::size_t>(i)].reset();
    answer_when(500);
    for (std::size_t i = 250; i < 500; ++i) EXPECT_EQ(waiting[i]->read_answer().body, "late") << i;
  });
  EXPECT_GE(answered, 250U);
}

TEST_F(HttpLater, WhoHangsUpWhileItsRequestWaitsIsLetGoAtOnce) {
  server = std::make_unique<HttpServer>(
      loop, HttpLimits{.connections = 100, .connections_per_address = 3});
  server->fallback({[this](const HttpRequest& request) { return handle(request); }, {}});
  while_serving([&](const Address& address) {
    for (std::size_t round = 1; round <= 4; ++round) {
      std::vector<std::unique_ptr<Client>> waiting;
      for (int i = 0; i < 3; ++i) {
        waiting.push_back(std::make_unique<Client>(address));
        waiting.back()->send(post("/later", "{}") + (i == 2 ? get("/any") : ""));
      }
      for (int i = 0; i < 300 && asked < 3 * round; ++i) ::poll(nullptr, 0, 10);
      ASSERT_EQ(asked, 3 * round) << "the places of the round before are free";
      waiting.clear();
      // Until the server has seen it, the address has no place.
      ::poll(nullptr, 0, 50);
    }
  });
  answer_all();
  EXPECT_EQ(answered, 0U) << "nobody is there to hear it";
}

TEST_F(HttpLater, AnAddressHasSoManyConnectionsAndNoMore) {
  server = std::make_unique<HttpServer>(
      loop, HttpLimits{.connections = 100, .connections_per_address = 3});
  server->fallback({[](const HttpRequest&) { return HttpResponse{}; }, {}});
  while_serving([&](const Address& address) {
    {
      Client first{address}, second{address}, third{address};
      for (Client* client : {&first, &second, &third}) {
        EXPECT_EQ(client->ask(get("/x")).status, 200);
      }
      EXPECT_TRUE(Client{address}.at_end());
    }
    // Their ends are seen a moment later.
    bool served = false;
    for (int i = 0; i < 100 && !served; ++i, ::poll(nullptr, 0, 5)) {
      Client again{address};
      served = !again.at_end_within(5) && again.ask(get("/x")).status == 200;
    }
    EXPECT_TRUE(served);
  });
}

TEST_F(HttpLater, MayBeDestroyedWithRequestsOpen) {
  const auto address = server->listen(Address::v4(127, 0, 0, 1, 0));
  ASSERT_TRUE(address);
  Client client{*address};
  client.send(get("/later"));
  while (asked < 1) loop.run_once();
  server->answer(open.front(), {});
  server.reset();
}

}  // namespace
}  // namespace sluice::net
