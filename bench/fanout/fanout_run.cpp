#include <memory>
#include <thread>
#include <utility>

#include "bench/fanout/fanout.h"
#include "bench/fanout/fanout_stage.h"
#include "bench/process/process_cost.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/secret.h"

namespace sluice::bench {
namespace {

/// The processor of what is measured, and the one of what feeds and reads it.
constexpr int kForwarding = 0, kFeeding = 1;

CipherKind best_cipher() {
  return crypto::aead_backend() == cipher_name(CipherKind::kIpsecMb) ? CipherKind::kIpsecMb
                                                                     : CipherKind::kOpenSsl;
}

ForwarderSetup floor_setup(const Traffic& traffic, CipherKind cipher) {
  ForwarderSetup setup;
  setup.cipher = cipher;
  setup.burst_max = kRunPacketsMax;
  setup.packet_bytes_max = floor_packet_bytes(traffic, 0);
  setup.room_sinks = traffic.sinks_per_room();
  if (traffic.is_call()) setup.flows_per_sink = traffic.flows_per_pusher();
  return setup;
}

/// The floors are forked before this process has a loop or threads.
Status<Failure> start_processes(const FanoutOptions& options, FanoutProcesses& processes) {
  const bool pinned = options.workers == 1 && std::thread::hardware_concurrency() > 1;
  const int processor = pinned ? kForwarding : -1;
  const Traffic traffic = traffic_of(options);
  auto floor = FloorProcess::start(floor_setup(traffic, best_cipher()), processor);
  if (!floor) return Unexpected{floor.error()};
  auto openssl = FloorProcess::start(floor_setup(traffic, CipherKind::kOpenSsl), processor);
  if (!openssl) return Unexpected{openssl.error()};
  run_on_processor(processor);
  RelaySetup setup;
  setup.program = options.relay;
  setup.workers = options.workers;
  setup.http = setup.count_allocations = true;
  auto relay = RelayProcess::start(setup);
  if (!relay) return Unexpected{relay.error()};
  if (options.workers > 1) {
    setup.workers = 1;
    auto one = RelayProcess::start(setup);
    if (!one) return Unexpected{one.error()};
    processes.one_worker = std::move(*one);
  }
  run_on_processor(pinned ? kFeeding : -1);
  processes.floor = std::move(*floor);
  processes.floor_openssl = std::move(*openssl);
  processes.relay = std::move(*relay);
  return Done{};
}

}  // namespace

Result<FanoutReport, Failure> run_fanout(const FanoutOptions& options) {
  if (auto checked = check_fanout(options); !checked) return Unexpected{checked.error()};
  FanoutReport report;
  report.options = options;
  report.floor_cipher = cipher_name(best_cipher());
  FanoutProcesses processes;
  if (auto started = start_processes(options, processes); !started) {
    return Unexpected{started.error()};
  }
  crypto::init_crypto();
  FanoutStage stage{processes, report};
  if (auto done = stage.run(); !done) return Unexpected{done.error()};
  report.load_average = load_average();
  return report;
}

}  // namespace sluice::bench
