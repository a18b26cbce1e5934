#include "bench/floor/floor.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::bench {
namespace {

std::vector<CipherKind> available() {
  std::vector<CipherKind> kinds{CipherKind::kCopy, CipherKind::kOpenSsl};
  if (cipher_available(CipherKind::kIpsecMb)) kinds.push_back(CipherKind::kIpsecMb);
  return kinds;
}

TEST(FloorCipher, BothLibrariesSealTheSameBytes) {
  if (!cipher_available(CipherKind::kIpsecMb)) {
    GTEST_SKIP() << "no libipsec-mb: only on amd64, where libipsec-mb-dev was there at build time";
  }
  const std::vector<std::byte> body(1200, std::byte{7});
  std::vector<std::byte> a(kFloorHeaderBytes + body.size() + kFloorTagBytes), b = a;
  make_cipher(CipherKind::kOpenSsl, 5)->write(99, body, a);
  make_cipher(CipherKind::kIpsecMb, 5)->write(99, body, b);
  EXPECT_EQ(a, b);
  make_cipher(CipherKind::kIpsecMb, 6)->write(99, body, b);
  EXPECT_NE(a, b) << "each sink has its own key";
}

TEST(Floor, SendsEveryPacketToEverySubscriber) {
  for (const CipherKind kind : available()) {
    FloorOptions options;
    options.cipher = kind;
    options.subscribers = 20;  // more than one call's messages
    options.burst = 3;
    options.seconds = 0.1;
    const FloorReport report = run_floor(options);
    EXPECT_GT(report.packets_in, 0U);
    EXPECT_EQ(report.packets_out, report.packets_in * options.subscribers) << cipher_name(kind);
    const auto json = nlohmann::json::parse(floor_json(report));
    EXPECT_EQ(json["cipher"], std::string{cipher_name(kind)});
    EXPECT_DOUBLE_EQ(json["ns_per_packet"], report.ns_per_packet());
  }
}

TEST(Floor, RefusesWhatItCannotDo) {
  FloorOptions none, wide, large;
  none.subscribers = 0;
  wide.burst = kFloorBurstMax + 1;
  large.packet_bytes = 30'000;
  for (const FloorOptions& bad : {none, wide, large}) {
    EXPECT_THROW(run_floor(bad), std::invalid_argument);
  }
}

TEST(FloorCipher, NamesGoBothWays) {
  for (const CipherKind kind : available()) EXPECT_EQ(cipher_from(cipher_name(kind)), kind);
  EXPECT_FALSE(cipher_from("rot13").has_value());
}

}  // namespace
}  // namespace sluice::bench
