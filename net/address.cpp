#include "net/address.h"

#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

#include "proto/base/check.h"

namespace sluice::net {

namespace {

constexpr std::size_t kV4Offset = 12;  // where an IPv4 address lies in ::ffff:a.b.c.d

Failure expected(std::string_view text, std::string_view what) {
  return {"\"" + std::string{text} + "\": " + std::string{what} +
          "; expected HOST:PORT, [IPv6]:PORT or :PORT"};
}

Result<std::uint16_t, Failure> parse_port(std::string_view whole, std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return Unexpected{expected(whole, "the port is not a number from 0 to 65535")};
  }
  return port;
}

std::optional<Address> parse_literal(const HostPort& host) {
  Address address;
  address.port = host.port;
  if (host.host.empty()) return address;
  in_addr v4{};
  if (inet_pton(AF_INET, host.host.c_str(), &v4) == 1) {
    address = Address::v4(0, 0, 0, 0, host.port);
    std::memcpy(address.ip.data() + kV4Offset, &v4, sizeof v4);
    return address;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.host.c_str(), &v6) != 1) return std::nullopt;
  std::memcpy(address.ip.data(), &v6, sizeof v6);
  return address;
}

addrinfo resolver_hints() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;  // one entry an address instead of one for each socket type
  hints.ai_flags = AI_ADDRCONFIG;
  return hints;
}

ResolvedAddresses to_addresses(const HostPort& host, const addrinfo* list) {
  std::vector<Address> addresses;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    SocketAddress raw{};
    std::memcpy(&raw, at->ai_addr, std::min<std::size_t>(at->ai_addrlen, sizeof raw));
    Address address = read_sockaddr(raw);
    address.port = host.port;
    addresses.push_back(address);
  }
  if (addresses.empty()) return Unexpected{Failure{"\"" + host.host + "\" has no IP address"}};
  return addresses;
}

ResolvedAddresses resolve_failure(const HostPort& host, std::string_view reason) {
  return Unexpected{Failure{"cannot resolve \"" + host.host + "\": " + std::string{reason}}};
}

}  // namespace

socklen_t write_sockaddr(const Address& address, int family, SocketAddress& out) {
  if (family == AF_INET6) {
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    std::memcpy(&out.v6.sin6_addr, address.ip.data(), sizeof out.v6.sin6_addr);
    return sizeof out.v6;
  }
  if (!address.is_v4()) return 0;
  out.v4 = {};
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(address.port);
  std::memcpy(&out.v4.sin_addr, address.ip.data() + kV4Offset, sizeof out.v4.sin_addr);
  return sizeof out.v4;
}

Address read_sockaddr(const SocketAddress& from) {
  Address address;
  if (from.generic.sa_family == AF_INET6) {
    std::memcpy(address.ip.data(), &from.v6.sin6_addr, sizeof from.v6.sin6_addr);
    address.port = ntohs(from.v6.sin6_port);
  } else if (from.generic.sa_family == AF_INET) {
    address = Address::v4(0, 0, 0, 0, ntohs(from.v4.sin_port));
    std::memcpy(address.ip.data() + kV4Offset, &from.v4.sin_addr, sizeof from.v4.sin_addr);
  }
  return address;
}

Result<HostPort, Failure> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Unexpected{expected(text, "the port is missing")};
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return Unexpected{expected(text, "an IPv6 address needs brackets")};
  }
  if (bracketed && host.find('%') != std::string_view::npos) {
    return Unexpected{expected(text, "addresses with a %zone are not supported")};
  }
  in6_addr unused{};
  if (host.find_first_of("[] \t/") != std::string_view::npos ||
      (bracketed && inet_pton(AF_INET6, std::string{host}.c_str(), &unused) != 1)) {
    return Unexpected{expected(text, "this is no host")};
  }
  const auto port = parse_port(text, text.substr(colon + 1));
  if (!port) return Unexpected{port.error()};
  return HostPort{std::string{host}, *port};
}

Result<Address, Failure> parse_address(std::string_view text) {
  const auto host = parse_host_port(text);
  if (!host) return Unexpected{host.error()};
  const auto address = parse_literal(*host);
  if (!address) return Unexpected{expected(text, "the host is a name, not an IP address")};
  return *address;
}

ResolvedAddresses resolve_blocking(const HostPort& host) {
  if (const auto literal = parse_literal(host)) return std::vector<Address>{*literal};
  const addrinfo hints = resolver_hints();
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host.host.c_str(), nullptr, &hints, &list); error != 0) {
    return resolve_failure(host, gai_strerror(error));
  }
  ResolvedAddresses result = to_addresses(host, list);
  freeaddrinfo(list);
  return result;
}

Result<Address, Failure> resolve_first(std::string_view text) {
  const auto host = parse_host_port(text);
  if (!host) return Unexpected{host.error()};
  const auto addresses = resolve_blocking(*host);
  if (!addresses) return Unexpected{addresses.error()};
  return addresses.value().front();
}

struct Resolver::Request {
  uv_getaddrinfo_t raw{};
  Resolver* owner = nullptr;  // nullptr: nobody waits for the answer any more
  HostPort host;
};

Resolver::Resolver(Loop& loop, Callback<const ResolvedAddresses&> on_resolved)
    : loop_(loop), on_resolved_(on_resolved) {}

Resolver::~Resolver() { forget(); }

void Resolver::resolve(const HostPort& host) {
  forget();
  auto request = std::make_unique<Request>();
  request->raw.data = request.get();
  request->owner = this;
  request->host = host;
  const addrinfo hints = resolver_hints();
  const char* name = host.host.empty() ? "::" : host.host.c_str();
  // Fails only for arguments that the parser excludes: libuv copies them and queues the work.
  CHECK(uv_getaddrinfo(loop_.uv(), &request->raw, handle_answer, name, nullptr, &hints) == 0);
  request_ = request.release();
}

void Resolver::handle_answer(uv_getaddrinfo_t* raw, int status, addrinfo* list) {
  const std::unique_ptr<Request> request{static_cast<Request*>(raw->data)};
  const ResolvedAddresses result = status == 0
                                       ? to_addresses(request->host, list)
                                       : resolve_failure(request->host, uv_strerror(status));
  uv_freeaddrinfo(list);
  if (request->owner == nullptr) return;
  request->owner->request_ = nullptr;
  request->owner->loop_.refresh_now();
  request->owner->on_resolved_(result);
}

void Resolver::forget() {
  if (request_ == nullptr) return;
  request_->owner = nullptr;
  // Refused when a thread works on it already: then its answer is dropped when it comes.
  static_cast<void>(uv_cancel(reinterpret_cast<uv_req_t*>(&request_->raw)));
  request_ = nullptr;
}

}  // namespace sluice::net
