#include "bench/link/relay_process.h"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

namespace sluice::bench {

Result<std::unique_ptr<RelayProcess>, Failure> RelayProcess::start(const RelaySetup& setup) {
  auto process = ChildProcess::prepare();
  if (!process) return Unexpected{process.error()};
  auto relay = std::make_unique<RelayProcess>(std::move(*process));
  if (setup.count_allocations) {
    relay->allocations_ = AllocationCount::in_folder(relay->process_->folder());
  }
  const auto started = relay->process_->start(
      setup.program.empty() ? "sluice-relay" : setup.program,
      {"--dev", "--listen", "127.0.0.1:0", "--http", setup.http ? "127.0.0.1:0" : "", "--control",
       relay->control_path(), "--workers", std::to_string(setup.workers)},
      relay->allocations_ ? relay->allocations_->environment() : std::vector<std::string>{});
  if (!started) return Unexpected{started.error()};
  // Its dev file is the last thing that a relay writes before it serves.
  const auto ready =
      relay->process_->wait_until([&] { return std::filesystem::exists(relay->dev_file()); });
  if (!ready) return Unexpected{Failure{"the relay: " + ready.error().message}};
  return relay;
}

std::string RelayProcess::http_address() const {
  std::ifstream file{dev_file()};
  const auto entry = nlohmann::json::parse(file, nullptr, false);
  return entry.is_object() ? entry.value("http", "") : "";
}

}  // namespace sluice::bench
