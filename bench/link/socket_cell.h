// A cell on real sockets: the relay as a process of its own, an impairing proxy on each leg with
// the simulation's impairment model, and the client library's pusher and subscriber, each with a
// thread. Everything is on the loopback interface. One subscriber.
#pragma once

#include <string>

#include "bench/link/cell_report.h"

namespace sluice::bench {

/// `relay`: the relay's program; empty: the one beside this. Errors: what could not be started, or
/// who could not join.
Result<CellReport, Failure> run_socket_cell(const CellOptions& options, const std::string& relay);

}  // namespace sluice::bench
