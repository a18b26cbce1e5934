// How a subcommand of sluice-bench ends: its exit codes, and its last words.
#pragma once

#include <string>

namespace sluice::bench {

inline constexpr int kExitFailed = 1;       ///< the figures are not what was asked for
inline constexpr int kExitBadInput = 2;     ///< said before anything is started
inline constexpr int kExitEnvironment = 5;  ///< a process, a socket or a file failed

/// Tells `what` on standard error; the result is `code`.
int say(int code, const std::string& what);

}  // namespace sluice::bench
