#include "bench/rooms/rooms_process.h"

#include <optional>
#include <sstream>

#include <nlohmann/json.hpp>

#include "net/address.h"

namespace sluice::bench {
namespace {

/// Where it listens, as its log says, in JSON.
std::optional<Address> address_in(const std::string& log) {
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("event", "") != "rooms_started") continue;
    const auto address = net::resolve_first(entry.value("address", ""));
    if (address) return *address;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<RoomsProcess>, Failure> RoomsProcess::start(const RoomsSetup& setup) {
  auto process = ChildProcess::prepare();
  if (!process) return Unexpected{process.error()};
  auto rooms = std::make_unique<RoomsProcess>(std::move(*process));
  const std::string connections = std::to_string(setup.connections);
  const auto started = rooms->process_->start(
      setup.program.empty() ? "sluice-rooms" : setup.program,
      {"--dev", "--listen", "127.0.0.1:0", "--relay", "", "--state",
       rooms->process_->folder() + "/state"},
      {"SLUICE_ROOMS_SERVICE_LOG_FORMAT=json", "SLUICE_ROOMS_LISTEN_CONNECTIONS=" + connections,
       "SLUICE_ROOMS_LISTEN_CONNECTIONS_PER_ADDRESS=" + connections,
       "SLUICE_ROOMS_ADDRESSES_PUSH_HOST=127.0.0.1", "SLUICE_ROOMS_ADDRESSES_PLAY_HOST=127.0.0.1"});
  if (!started) return Unexpected{started.error()};
  const auto ready = rooms->process_->wait_until([&] {
    const auto address = address_in(rooms->process_->log());
    if (address) rooms->address_ = *address;
    return address.has_value();
  });
  if (!ready) return Unexpected{Failure{"the room service: " + ready.error().message}};
  return rooms;
}

}  // namespace sluice::bench
