// Config of sluice-rooms: everything an operator can set, in one table (config.cpp) that
// daemon/settings.h reads from file, environment and flags. `sluice-rooms --check-config` prints
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/settings.h"
#include "proto/base/result.h"
#include "rooms/room_store.h"

namespace sluice::rooms {

/// Plain values, flat; the names are section_key of the file.
struct Config {
  std::string listen_address = "127.0.0.1:5757";
  std::uint64_t listen_connections = 4096;
  std::uint64_t listen_connections_per_address = 1024;
  std::uint64_t listen_requests_per_address = 200;  // a second; 0: no limit

  std::string service_state_folder = "/var/lib/sluice-rooms";
  std::string service_log_level = "info";
  std::string service_log_format = "text";
  std::string service_log_folder;  // empty: stderr
  std::uint64_t service_log_file_mib = 16;
  std::uint64_t service_log_files = 20;  // of errors, and as many of the rest

  std::string relay_control;         // paths, with commas between; empty: none
  std::string relay_public_address;  // HOST or HOST:PORT of each, in the same order

  std::string addresses_push_host;  // empty: the relay's
  std::string addresses_play_host;
  std::string addresses_bizid = "8888";

  std::uint64_t account_sdk_app_id = 1'400'000'001;
  std::uint64_t account_type = 10001;
  std::uint64_t account_user_sig_days = 30;
  std::uint64_t account_token_days = 7;
  bool account_chosen_ids = false;

  std::string v1_shared_key_file;  // of HS256; neither: application.key in the state folder
  std::string v1_ed25519_key_file;
  std::string v1_audience = "sluice-rooms";
  std::string webhook_url;          // empty: none
  std::string webhook_secret_file;  // empty: v1's shared key
  bool v1_guests = false;           // tokens of /weapp logins and of /v1/tokens are good as well

  std::string listen_tls_certificate;  // PEM files; both or none
  std::string listen_tls_key;

  RoomRules rules;
};

struct RelayEntry {
  std::string control, public_address;
};

std::vector<RelayEntry> relays_of(const Config& config);

/// `config` outlives the result.
daemon::Settings settings_of(Config& config);

std::string config_as_toml(const Config& config);

}  // namespace sluice::rooms
