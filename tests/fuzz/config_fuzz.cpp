// The configuration file: any text is either a configuration that prints as one again, or one line
// that says what is wrong with it.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "relay/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::relay::Config;
  const std::string_view text = sluice::as_text(std::as_bytes(std::span{data, size}));
  Config config;
  const auto read = sluice::relay::settings_of(config).read_text(text, "relay.toml");
  if (!read) {
    CHECK(read.error().message.rfind("relay.toml", 0) == 0);
    return 0;
  }
  const std::string printed = sluice::relay::config_as_toml(config);
  Config again;
  CHECK(sluice::relay::settings_of(again).read_text(printed, "printed").has_value());
  CHECK(sluice::relay::config_as_toml(again) == printed);
  return 0;
}
