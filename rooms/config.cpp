#include "rooms/config.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "net/http_url.h"
#include "proto/base/name.h"

namespace sluice::rooms {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

/// It begins every stream's name, beside a user of 48 bytes.
std::optional<std::string> short_name(const std::string& value) {
  if (Name<32>::parse(value)) return std::nullopt;
  return "1 to 32 letters, digits, '_' and '-'";
}

std::optional<std::string> folder(const std::string& value) {
  if (!value.empty()) return std::nullopt;
  return "a folder's path";
}

/// What a token is for; empty would let any token be for us.
std::optional<std::string> audience(const std::string& value) {
  if (!value.empty()) return std::nullopt;
  return "a name, as tokens have it in aud";
}

/// HOST or HOST:PORT, as it stands in an address.
std::optional<std::string> host_or_none(const std::string& value) {
  if (value.find_first_of("/?# \"") == std::string::npos) return std::nullopt;
  return "HOST or HOST:PORT, without a scheme";
}

std::optional<std::string> http_url_or_none(const std::string& value) {
  if (value.empty() || net::parse_http_url(value)) return std::nullopt;
  return "http://HOST[:PORT]/PATH, or the same with https";
}

/// What stands between commas, without the spaces around it.
std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at <= list.size() && !list.empty()) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string part = list.substr(at, end - at);
    while (!part.empty() && part.front() == ' ') part.erase(0, 1);
    while (!part.empty() && part.back() == ' ') part.pop_back();
    parts.push_back(std::move(part));
    at = end + 1;
  }
  return parts;
}

std::optional<std::string> socket_paths(const std::string& value) {
  for (const std::string& path : parts_of(value)) {
    if (auto wrong = daemon::socket_path(path)) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> hosts(const std::string& value) {
  for (const std::string& host : parts_of(value)) {
    if (auto wrong = host_or_none(host)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::vector<RelayEntry> relays_of(const Config& config) {
  const std::vector<std::string> paths = parts_of(config.relay_control);
  const std::vector<std::string> addresses = parts_of(config.relay_public_address);
  std::vector<RelayEntry> relays;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    relays.push_back({paths[i], i < addresses.size() ? addresses[i] : std::string{}});
  }
  return relays;
}

daemon::Settings settings_of(Config& config) {
  constexpr auto kAny = daemon::any_text;
  RoomRules& rules = config.rules;
  return {
      "SLUICE_ROOMS_",
      {{"listen", "address", &config.listen_address, daemon::host_port},
       {"listen", "connections", &config.listen_connections, kAny, 16, 65535},
       {"listen", "connections_per_address", &config.listen_connections_per_address, kAny, 1,
        65535},
       {"listen", "requests_per_address", &config.listen_requests_per_address, kAny, 0, kMillion},
       {"listen", "tls_certificate", &config.listen_tls_certificate},
       {"listen", "tls_key", &config.listen_tls_key},
       {"service", "state_folder", &config.service_state_folder, folder},
       {"service", "log_level", &config.service_log_level, daemon::log_level},
       {"service", "log_format", &config.service_log_format, daemon::log_format},
       {"service", "log_folder", &config.service_log_folder},
       {"service", "log_file_mib", &config.service_log_file_mib, kAny, 1, 1024},
       {"service", "log_files", &config.service_log_files, kAny, 1, 10'000},
       {"relay", "control", &config.relay_control, socket_paths},
       {"relay", "public_address", &config.relay_public_address, hosts},
       {"addresses", "push_host", &config.addresses_push_host, host_or_none},
       {"addresses", "play_host", &config.addresses_play_host, host_or_none},
       {"addresses", "bizid", &config.addresses_bizid, short_name},
       {"account", "sdk_app_id", &config.account_sdk_app_id, kAny, 1, 9'999'999'999},
       {"account", "type", &config.account_type, kAny, 1, kMillion},
       {"account", "user_sig_days", &config.account_user_sig_days, kAny, 1, 3650},
       {"account", "token_days", &config.account_token_days, kAny, 1, 3650},
       {"account", "chosen_ids", &config.account_chosen_ids},
       {"v1", "shared_key_file", &config.v1_shared_key_file},
       {"v1", "ed25519_key_file", &config.v1_ed25519_key_file},
       {"v1", "audience", &config.v1_audience, audience},
       {"v1", "guests", &config.v1_guests},
       {"webhook", "url", &config.webhook_url, http_url_or_none},
       {"webhook", "secret_file", &config.webhook_secret_file},
       {"rooms", "pushers_double", &rules.pushers_double, kAny, 1, 1000},
       {"rooms", "pushers_multi", &rules.pushers_multi, kAny, 1, 1000},
       {"rooms", "pushers_live", &rules.pushers_live, kAny, 1, 1000},
       {"rooms", "viewers_live", &rules.viewers_live, kAny, 1, kMillion},
       {"rooms", "most", &rules.rooms, kAny, 1, kMillion},
       {"rooms", "creator_dissolves_double", &rules.creator_dissolves_double},
       {"rooms", "creator_dissolves_multi", &rules.creator_dissolves_multi}}};
}

std::string config_as_toml(const Config& config) {
  Config copy = config;  // the table is for writing as well
  return settings_of(copy).as_toml();
}

}  // namespace sluice::rooms
