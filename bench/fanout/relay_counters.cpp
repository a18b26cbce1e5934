#include "bench/fanout/relay_counters.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/socket.h"
#include "proto/base/address.h"

namespace sluice::bench {
namespace {

constexpr int kAnswerWithinS = 5;

/// Calls back with the labels (without braces) and the value of each sample of `name`.
template <class Visit>
void each_sample(std::string_view page, std::string_view name, Visit visit) {
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (!line.starts_with(name)) continue;
    std::string_view rest = line.substr(name.size()), labels;
    if (rest.starts_with('{')) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos) continue;
      labels = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
    }
    if (rest.starts_with(' ')) visit(labels, std::string{rest.substr(1)});
  }
}

}  // namespace

Result<std::string, Failure> fetch_metrics(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return Unexpected{Failure{"the relay has no /metrics"}};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
  const net::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval patience{kAnswerWithinS, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    return Unexpected{net::system_failure("the relay's /metrics", errno)};
  }
  const std::string request =
      "GET /metrics HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    return Unexpected{net::system_failure("the relay's /metrics", errno)};
  }
  std::string page;
  char buffer[16'384];
  ssize_t got = 0;
  while ((got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0) {
    page.append(buffer, static_cast<std::size_t>(got));
  }
  if (got < 0 || !page.starts_with("HTTP/1.1 200")) {
    return Unexpected{Failure{"the relay's /metrics did not answer"}};
  }
  return page;
}

double metric_sum(std::string_view page, std::string_view name, std::string_view label) {
  double sum = 0;
  each_sample(page, name, [&](std::string_view labels, const std::string& value) {
    if (labels.find(label) != std::string_view::npos) sum += std::strtod(value.c_str(), nullptr);
  });
  return sum;
}

std::string metric_label(std::string_view page, std::string_view name, std::string_view label) {
  std::string found;
  each_sample(page, name, [&](std::string_view labels, const std::string&) {
    const std::string key = std::string{label} + "=\"";
    const auto at = labels.find(key);
    if (at == std::string_view::npos || !found.empty()) return;
    const std::string_view rest = labels.substr(at + key.size());
    found = rest.substr(0, rest.find('"'));
  });
  return found;
}

}  // namespace sluice::bench
