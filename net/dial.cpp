#include "net/dial.h"

#include <utility>

#include "net/tcp.h"

namespace sluice::net {

Result<std::unique_ptr<ByteStream>, Failure> dial(Loop& loop, const Address& to,
                                                  const TlsContext* tls, const std::string& name) {
  auto tcp = TcpConnection::connect(loop, to);
  if (!tcp) return Unexpected{tcp.error()};
  if (tls == nullptr) return std::unique_ptr<ByteStream>{*std::move(tcp)};
  auto wrapped = TlsStream::wrap(*std::move(tcp), *tls, name);
  if (!wrapped) return Unexpected{wrapped.error()};
  return std::unique_ptr<ByteStream>{*std::move(wrapped)};
}

}  // namespace sluice::net
