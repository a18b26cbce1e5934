// Config: everything an operator can set, from defaults < TOML file < environment < flags. One
// table (config.cpp) names each setting for all three; daemon/settings.h reads and checks them.
// `sluice-relay --check-config` prints all of them with their values.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/settings.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"

namespace sluice::relay {

/// Plain values, flat; the names are section_key of the file.
struct Config {
  std::string listen_address = ":4700";
  std::uint64_t listen_workers = 0;  // 0: one less than there are processors, at least 1

  std::string http_address = "127.0.0.1:8080";

  std::string control_path = "/run/sluice/control.sock";
  std::string control_tcp_address;  // empty: no TCP
  std::string control_tls_certificate;
  std::string control_tls_key;
  std::string control_tls_ca;

  std::string relay_address;            // under which clients reach us; empty: found out
  std::string relay_reset_secret_file;  // empty: a fresh secret at each start
  std::string relay_log_level = "info";
  std::string relay_log_format = "text";
  std::uint64_t relay_drain_seconds = 30;

  std::uint64_t limits_rooms = 4096;
  std::uint64_t limits_links_per_worker = kLinksPerWorkerMax;
  std::uint64_t limits_members_per_room = 10'000;
  std::uint64_t limits_streams_per_room = 1000;
  std::uint64_t limits_streams_per_member = 8;
};

/// `config` outlives the result.
daemon::Settings settings_of(Config& config);

/// What concerns several settings at once: TLS files without an address and the reverse.
Status<Failure> check_config(const Config& config);

/// The whole configuration as a TOML file that gives it again.
std::string config_as_toml(const Config& config);

}  // namespace sluice::relay
