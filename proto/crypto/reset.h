// RESET: how a relay that lost its memory ends a link at once (P-RESET-01). The token is derived
// from a secret that outlives the process, so no state is needed to make one.
#pragma once

#include <array>
#include <cstddef>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

using ResetSecret = Secret<32>;
using ResetMessage = std::array<std::byte, kResetBytes>;

ResetToken derive_reset_token(const ResetSecret& secret, ConnectionId id);

/// The 23 bytes to send for DATA with a connection id nobody knows; the caller limits the rate.
ResetMessage make_reset(ConnectionId id, const ResetToken& token);

/// Whether `datagram` is the RESET of this link. Constant time over the token.
[[nodiscard]] bool is_reset_of(Bytes datagram, ConnectionId id, const ResetToken& token);

}  // namespace sluice::crypto
