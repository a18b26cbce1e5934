// What the commands share: from options to a relay's address and a ticket, the live line on stderr,
// the statistics file, and one way to end with an error.
#pragma once

#include <optional>
#include <string>

#include "client/cli/options.h"
#include "client/client_link.h"
#include "client/connection.h"
#include "client/credentials.h"
#include "client/error.h"
#include "client/stats.h"
#include "client/status_line.h"
#include "client/url.h"
#include "net/loop.h"

namespace sluice::client {

/// Prints "sluice: MESSAGE" on stderr and returns the code.
ExitCode end_with(const Error& error);

/// `path`, or the control socket of the --dev relay when it is empty.
Result<std::string, Error> control_path(const std::string& path);

/// Everything but the first commands. Runs the loop while it asks for a ticket.
Result<ClientLink::Config, Error> prepare_join(net::Loop& loop, const JoinOptions& options,
                                               const StreamUrl& url, crypto::Rights rights);

/// SIGINT and SIGTERM, in the loop.
Status<Error> watch_end_signals(net::Signal& interrupt, net::Signal& terminate);

/// The last words of push and pull: ends the live line, writes the statistics with what the
/// connection dropped. Returns `error`, else how the writing went.
Status<Error> report_end(const JoinOptions& options, StatusLine& line, const Connection& connection,
                         Stats& stats, const std::optional<Error>& error);

StatusLine::Terminal stderr_terminal();
void print_on_stderr(const std::string& text);

/// To the file, or to stdout for "-". Nothing for an empty path.
Status<Error> write_text(const std::string& path, const std::string& text);

Duration seconds_of(double seconds);

}  // namespace sluice::client
