#include "rooms/application_keys.h"

#include <fstream>
#include <optional>

#include <sys/stat.h>

#include "daemon/secret_file.h"

namespace sluice::rooms {
namespace {

/// Much more than a key or a PEM file has.
constexpr std::size_t kFileBytesMax = 16384;

Unexpected<Failure> wrong(const char* setting, const std::string& path, const std::string& why) {
  return Unexpected{Failure{std::string{setting} + ": " + path + " " + why}};
}

std::optional<std::string> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes(kFileBytesMax, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

bool others_may_read(const std::string& path) {
  struct stat status {};

  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077U) != 0;
}

Result<std::vector<std::byte>, Failure> read_shared(const char* setting, const std::string& path) {
  const auto text = read_bytes(path);
  if (!text) return wrong(setting, path, "cannot be read");
  if (others_may_read(path)) return wrong(setting, path, "may be read by others; chmod 600 it");
  if (text->size() < kSharedKeyBytesMin) {
    return wrong(setting, path, "has a key of less than 32 bytes; openssl rand 32 makes one");
  }
  const Bytes bytes = as_bytes(*text);
  return std::vector<std::byte>{bytes.begin(), bytes.end()};
}

}  // namespace

Result<TokenKeys, Failure> read_application_keys(const Config& config, RandomSource random) {
  TokenKeys keys;
  keys.audience = config.v1_audience;
  if (!config.v1_ed25519_key_file.empty()) {
    const auto pem = read_bytes(config.v1_ed25519_key_file);
    if (pem) keys.ed25519 = ed25519_of_pem(*pem);
    if (!keys.ed25519) {
      return wrong("v1.ed25519_key_file", config.v1_ed25519_key_file,
                   "has no public Ed25519 key; openssl pkey -in KEY -pubout writes it");
    }
  }
  if (!config.v1_shared_key_file.empty()) {
    auto read = read_shared("v1.shared_key_file", config.v1_shared_key_file);
    if (!read) return Unexpected{read.error()};
    keys.shared = *std::move(read);
    return keys;
  }
  if (keys.ed25519) return keys;
  const auto made = daemon::read_or_make_secret(
      "service.state_folder", config.service_state_folder + "/application.key", random);
  if (!made) return Unexpected{made.error()};
  keys.shared.assign(made->begin(), made->end());
  return keys;
}

Result<std::vector<std::byte>, Failure> read_webhook_key(const Config& config,
                                                         const TokenKeys& keys) {
  if (!config.webhook_secret_file.empty()) {
    return read_shared("webhook.secret_file", config.webhook_secret_file);
  }
  if (!keys.shared.empty() || config.webhook_url.empty()) return keys.shared;
  return Unexpected{
      Failure{"webhook.secret_file: needed, as there is no shared key; openssl rand 32 makes one"}};
}

}  // namespace sluice::rooms
