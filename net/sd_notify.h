// Tells systemd (Type=notify, WatchdogSec) how the program is: READY=1, STOPPING=1, WATCHDOG=1,
// STATUS=... Outside systemd, where NOTIFY_SOCKET is not set, it does nothing.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/time.h"

namespace sluice::net {

/// One datagram to the socket that NOTIFY_SOCKET names. Errors are ignored: nobody could be told.
void sd_notify(std::string_view state);

/// How often WATCHDOG=1 must be sent: half of WATCHDOG_USEC; nothing when no watchdog is set.
std::optional<Duration> watchdog_interval();

}  // namespace sluice::net
