// Folders that belong to one user alone: the runtime folder where programs on one machine find each
// other, and the state folder of a daemon.
#pragma once

#include <string>

#include "daemon/settings.h"
#include "proto/base/result.h"

namespace sluice::daemon {

/// `$XDG_RUNTIME_DIR/sluice`, else `/tmp/sluice-UID`; made with mode 0700 where missing. Refused
/// when it is not a folder of ours that others cannot enter.
Result<std::string, Failure> runtime_folder(Environment environment);

/// As above, for a folder of any name.
Status<Failure> make_private_folder(const std::string& path);

}  // namespace sluice::daemon
