// A cell in virtual time: the real links, the relay's own worker and rooms, the client library's
// pusher and subscriber on the simulated network. No socket, no clock: the same options and seed
// give the same report, byte for byte.
#pragma once

#include "bench/link/cell_report.h"
#include "net/callback.h"

namespace sluice::bench {

/// `on_progress` is told the virtual time once a virtual second, counted from the first frame.
Result<CellReport, Failure> run_sim_cell(const CellOptions& options,
                                         net::Callback<Duration> on_progress);

}  // namespace sluice::bench
