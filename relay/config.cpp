#include "relay/config.h"

#include <utility>

namespace sluice::relay {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

Unexpected<Failure> wrong(const std::string& origin, const std::string& what) {
  return Unexpected{Failure{origin + ": " + what}};
}

}  // namespace

daemon::Settings settings_of(Config& config) {
  return {
      "SLUICE_RELAY_",
      {
          {"listen", "address", &config.listen_address, daemon::host_port},
          {"listen", "workers", &config.listen_workers, daemon::any_text, 0, kWorkersMax},
          {"http", "address", &config.http_address, daemon::host_port_or_none},
          {"control", "path", &config.control_path, daemon::socket_path},
          {"control", "tcp_address", &config.control_tcp_address, daemon::host_port_or_none},
          {"control", "tls_certificate", &config.control_tls_certificate},
          {"control", "tls_key", &config.control_tls_key},
          {"control", "tls_ca", &config.control_tls_ca},
          {"relay", "address", &config.relay_address, daemon::reachable_or_none},
          {"relay", "reset_secret_file", &config.relay_reset_secret_file},
          {"relay", "log_level", &config.relay_log_level, daemon::log_level},
          {"relay", "log_format", &config.relay_log_format, daemon::log_format},
          {"relay", "drain_seconds", &config.relay_drain_seconds, daemon::any_text, 0, 24 * 3600},
          {"limits", "rooms", &config.limits_rooms, daemon::any_text, 1, kMillion},
          {"limits", "links_per_worker", &config.limits_links_per_worker, daemon::any_text, 1,
           kLinksPerWorkerMax},
          {"limits", "members_per_room", &config.limits_members_per_room, daemon::any_text, 1,
           kMillion},
          {"limits", "streams_per_room", &config.limits_streams_per_room, daemon::any_text, 1,
           kMillion},
          {"limits", "streams_per_member", &config.limits_streams_per_member, daemon::any_text, 1,
           8},
      }};
}

Status<Failure> check_config(const Config& config) {
  const bool tcp = !config.control_tcp_address.empty();
  for (const auto& [name, value] : {std::pair{"tls_certificate", &config.control_tls_certificate},
                                    std::pair{"tls_key", &config.control_tls_key},
                                    std::pair{"tls_ca", &config.control_tls_ca}}) {
    const std::string setting = std::string{"control."} + name;
    if (tcp && value->empty()) {
      return wrong(setting,
                   "missing; control.tcp_address needs a certificate, a key and a CA "
                   "file, for nobody may connect without");
    }
    if (!tcp && !value->empty()) {
      return wrong(setting, "set without control.tcp_address; set both or none");
    }
  }
  return Done{};
}

std::string config_as_toml(const Config& config) {
  Config copy = config;  // the table is for writing as well
  return settings_of(copy).as_toml();
}

}  // namespace sluice::relay
