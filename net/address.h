// sluice::Address <-> sockaddr, and text -> Address: "192.0.2.1:443", "[2001:db8::1]:443",
// "name:443",
// ":443" (every address of the host, IPv6 and IPv4). Names are resolved by resolve_blocking() in
// start-up code and by Resolver on a running loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/callback.h"
#include "net/loop.h"
#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::net {

/// Large enough for both families, and all that msg_name needs.
union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Writes `address` as a socket of `family` wants it (IPv4 becomes ::ffff:a.b.c.d on AF_INET6) and
/// returns the length. An IPv6 address cannot be written for AF_INET: 0 is returned.
socklen_t write_sockaddr(const Address& address, int family, SocketAddress& out);

/// Either family; anything else is the zero Address.
Address read_sockaddr(const SocketAddress& from);

/// A host, not yet resolved; empty means every address of the host.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

/// The Failure quotes the text and says what is expected.
Result<HostPort, Failure> parse_host_port(std::string_view text);

/// As parse_host_port, for literals only: nothing is asked of a resolver.
Result<Address, Failure> parse_address(std::string_view text);

/// Every address of the name in the order to try them, at least one. Blocks up to the resolver's
/// time-out: for start-up code only. Literals never block.
Result<std::vector<Address>, Failure> resolve_blocking(const HostPort& host);

/// resolve_blocking(parse_host_port(text)), its first address: what a `--listen` option is.
Result<Address, Failure> resolve_first(std::string_view text);

using ResolvedAddresses = Result<std::vector<Address>, Failure>;

/// Resolves on libuv's thread pool. Destroying it forgets the question that is under way.
class Resolver {
 public:
  Resolver(Loop& loop, Callback<const ResolvedAddresses&> on_resolved);
  ~Resolver();

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// One question at a time: a new one forgets the one before. The answer never comes from inside
  /// this call.
  void resolve(const HostPort& host);

 private:
  struct Request;
  static void handle_answer(uv_getaddrinfo_t* raw, int status, addrinfo* list);
  void forget();

  Loop& loop_;
  Callback<const ResolvedAddresses&> on_resolved_;
  Request* request_ = nullptr;  // owned by itself; lives until libuv answers
};

}  // namespace sluice::net
