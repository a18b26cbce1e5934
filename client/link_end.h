// What the end of a link means for a person and for the exit code: gone (unreachable), or ended by
// the relay with a reason (refused). Whether an end was in order is the matter of pusher and
// subscriber, who ask here when it was not.
#pragma once

#include "client/error.h"
#include "proto/link/link_types.h"

namespace sluice::client {

Error error_of(const link::Closed& closed);

}  // namespace sluice::client
