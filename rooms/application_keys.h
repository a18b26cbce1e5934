// The application's keys, with which it signs the tokens that /v1 takes: from the files that the
// configuration names, else a shared one in the state folder, made at the first start (0600).
#pragma once

#include <cstddef>
#include <vector>

#include "proto/base/random.h"
#include "proto/base/result.h"
#include "rooms/config.h"
#include "rooms/v1_token.h"

namespace sluice::rooms {

/// A shared key is its file's bytes, all of them; `application.key` of the state folder has 32. A
/// Failure names the setting whose file is wrong.
Result<TokenKeys, Failure> read_application_keys(const Config& config, RandomSource random);

/// What webhooks are signed with: the file of webhook.secret_file, else the shared key.
Result<std::vector<std::byte>, Failure> read_webhook_key(const Config& config,
                                                         const TokenKeys& keys);

}  // namespace sluice::rooms
