#include "relay/control/pages.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "net/tcp.h"

namespace sluice::relay {
namespace {

/// Asks for one page and keeps what came until the server closed.
class Visitor {
 public:
  Visitor(net::Loop& loop, const Address& to, std::string path) : path_(std::move(path)) {
    auto tcp = net::TcpConnection::connect(loop, to);
    EXPECT_TRUE(tcp);
    stream_ = *std::move(tcp);
    stream_->start({net::Callback<>::to<&Visitor::on_open>(this),
                    net::Callback<Bytes>::to<&Visitor::on_bytes>(this),
                    net::Callback<net::CloseReason>::to<&Visitor::on_closed>(this)});
  }

  std::string answer;
  bool closed = false;

 private:
  void on_open() {
    const std::string request =
        "GET " + path_ + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(stream_->write(as_bytes(request)), net::WriteResult::kQueued);
  }

  void on_bytes(Bytes bytes) { answer += as_text(bytes); }

  void on_closed(net::CloseReason) { closed = true; }

  std::string path_;
  std::unique_ptr<net::TcpConnection> stream_;
};

class PagesTest : public testing::Test {
 protected:
  PagesTest() {
    const auto bound = pages.listen(Address::v4(127, 0, 0, 1, 0));
    EXPECT_TRUE(bound);
    address = *bound;
  }

  std::string get(const std::string& path) {
    Visitor visitor(loop, address, path);
    for (int i = 0; i < 1000 && !visitor.closed; ++i) loop.run_once();
    EXPECT_TRUE(visitor.closed);
    return visitor.answer;
  }

  static std::string status(const std::string& answer) { return answer.substr(9, 3); }

  static std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  net::Loop loop;
  Pages pages{loop, [] { return std::string{"# HELP x y\n"}; }};
  Address address;
};

TEST_F(PagesTest, ReadinessSaysWhyNot) {
  const struct {
    Readiness readiness;
    const char* status;
    const char* word;
  } cases[] = {{Readiness::kStarting, "503", "starting\n"},
               {Readiness::kReady, "200", "ready\n"},
               {Readiness::kDraining, "503", "draining\n"}};

  for (const auto& c : cases) {
    pages.set_readiness(c.readiness);
    const std::string answer = get("/readyz");
    EXPECT_EQ(status(answer), c.status);
    EXPECT_EQ(body(answer), c.word);
  }
}

TEST_F(PagesTest, HealthAndMetricsAnswerAlways) {
  EXPECT_EQ(status(get("/healthz")), "200");
  const std::string metrics = get("/metrics");
  EXPECT_EQ(status(metrics), "200");
  EXPECT_EQ(body(metrics), "# HELP x y\n");
  EXPECT_NE(metrics.find("text/plain; version=0.0.4"), std::string::npos);
  EXPECT_EQ(status(get("/nothing")), "404");
}

}  // namespace
}  // namespace sluice::relay
