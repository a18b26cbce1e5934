// dial(): a client's stream to a server, by TCP, or by TLS over it.
#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::net {

/// Dials at the stream's start(). With a context the server must show a certificate for `name`.
Result<std::unique_ptr<ByteStream>, Failure> dial(Loop& loop, const Address& to,
                                                  const TlsContext* tls, const std::string& name);

}  // namespace sluice::net
