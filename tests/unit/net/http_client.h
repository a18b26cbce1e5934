// A blocking HTTP client on a raw socket, for a second thread beside the loop of the server under
// test.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <sys/socket.h>

#include "net/address.h"
#include "net/http.h"
#include "net/socket.h"
#include "tests/unit/net/support.h"

namespace sluice::net {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

/// A blocking client on a raw socket, for a second thread; what it cannot read stays status 0.
class Client {
 public:
  explicit Client(const Address& to) {
    SocketAddress raw{};
    const int family = to.is_v4() ? AF_INET : AF_INET6;
    const socklen_t size = write_sockaddr(to, family, raw);
    fd_.reset(::socket(family, SOCK_STREAM, 0));
    const timeval patience{3, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd_.get(), &raw.generic, size), 0);
  }

  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  Answer ask(std::string_view text, bool head = false) {
    send(text);
    return read_answer(head);
  }

  Answer read_answer(bool head = false) {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!read_more()) return {};
    }
    Answer answer;
    const std::size_t end = buffer_.find("\r\n\r\n");
    parse_header(buffer_.substr(0, end + 2), answer);
    buffer_.erase(0, end + 4);
    const std::size_t length = head ? 0 : std::stoul("0" + answer.headers["content-length"]);
    while (buffer_.size() < length) {
      if (!read_more()) break;
    }
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return answer;
  }

  /// True when the server has ended the connection.
  bool at_end() { return buffer_.empty() && !read_more(); }

  /// As at_end(), without waiting longer than this for it.
  bool at_end_within(int milliseconds) {
    pollfd ready{fd_.get(), POLLIN, 0};
    return ::poll(&ready, 1, milliseconds) > 0 && at_end();
  }

 private:
  bool read_more() {
    char bytes[16384];
    const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  static void parse_header(const std::string& text, Answer& answer) {
    std::size_t at = text.find("\r\n");
    answer.status = std::atoi(text.c_str() + text.find(' '));
    while (at + 2 < text.size()) {
      const std::size_t end = text.find("\r\n", at + 2);
      const std::string line = text.substr(at + 2, end - at - 2);
      std::string name = line.substr(0, line.find(':'));
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return static_cast<char>(std::tolower(c)); });
      answer.headers[name] = line.substr(std::min(line.size(), line.find(':') + 2));
      at = end;
    }
  }

  Fd fd_;
  std::string buffer_;
};

inline std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string{path} +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string{body};
}

inline std::string get(std::string_view path) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

class HttpServing : public testing::Test {
 protected:
  /// Runs the loop while `talk` works on a second thread.
  void while_serving(const std::function<void(const Address&)>& talk) {
    const auto address = server->listen(Address::v4(127, 0, 0, 1, 0));
    ASSERT_TRUE(address) << address.error().message;
    bool done = false;
    auto finish = [&] { done = true; };
    Async finished{loop, Callback<>::ref(finish)};
    std::thread client{[&] {
      talk(*address);
      finished.wake();
    }};
    EXPECT_TRUE(run_until(loop, [&] { return done; }));
    client.join();
  }

  Loop loop;
  std::unique_ptr<HttpServer> server;
};

}  // namespace sluice::net
