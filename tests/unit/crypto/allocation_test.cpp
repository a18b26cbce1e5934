// A stranger costs no memory (P-HS-08), and a packet costs none in the steady state. A program of
// its own, because it replaces operator new; OpenSSL's allocations are counted through its hooks.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "proto/crypto/cookie.h"
#include "proto/crypto/packet_protection.h"
#include "proto/crypto/used_tickets.h"
#include "tests/unit/crypto/handshake_pair.h"

namespace {

std::size_t g_allocations = 0;

void* count_and_allocate(std::size_t bytes) {
  ++g_allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

void* openssl_malloc(std::size_t bytes, const char*, int) { return count_and_allocate(bytes); }

void* openssl_realloc(void* memory, std::size_t bytes, const char*, int) {
  ++g_allocations;
  return std::realloc(memory, bytes);
}

void openssl_free(void* memory, const char*, int) { std::free(memory); }

// Before OpenSSL's first allocation, or it refuses.
const bool kHooked = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void* operator new(std::size_t bytes) { return count_and_allocate(bytes); }

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::crypto {
namespace {

class Allocation : public ::testing::Test {
 protected:
  /// How many allocations `action` made.
  template <class Action>
  std::size_t count(Action action) {
    const std::size_t before = g_allocations;
    action();
    return g_allocations - before;
  }
};

TEST_F(Allocation, IsCountedAtAll) {
  ASSERT_TRUE(kHooked);
  EXPECT_GT(count([] { std::free(CRYPTO_malloc(1, "", 0)); }), 0U);
  EXPECT_GT(count([] { ::operator delete(::operator new(1)); }), 0U);
}

TEST_F(Allocation, AStrangerCausesNone) {
  HandshakePair pair;
  auto client = pair.make_client();
  std::array<std::byte, kInitBytes> good;
  std::ranges::copy(client.poll_transmit(kStart), good.begin());
  CookieJar jar{kStart, pair.random()};
  UsedTickets used{pair.random(), 1024};
  std::size_t refused = 0;
  const auto allocations = count([&] {
    for (std::size_t at = 0; at < kInitBytes - kMacBytes; ++at) {
      auto init = good;
      init[at] ^= std::byte{0x10};
      if (!pair.open(init)) ++refused;  // by its mac1 at the latest
      pair.renew_mac1(init);
      const auto view = parse_init(init);
      if (view) {
        const Mac cookie = jar.make(pair.client_address(), view->nonce);
        static_cast<void>(jar.verify(pair.client_address(), view->nonce, cookie).has_value());
        static_cast<void>(make_cookie_reply(pair.identity().key, CookieStatus::kCookieNeeded,
                                            view->nonce, cookie));
        static_cast<void>(used.find(TicketId{}, view->mac1));
      }
      if (!pair.open(init)) ++refused;
    }
  });
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(refused, 2 * (kInitBytes - kMacBytes));
}

TEST_F(Allocation, PacketsCauseNone) {
  for (const Suite suite : {Suite::kAes128Gcm, Suite::kChaCha20Poly1305, Suite::kAes256Gcm}) {
    PacketProtection from{suite, TrafficSecret{}, TrafficSecret{}, kStart};
    PacketProtection to{suite, TrafficSecret{}, TrafficSecret{}, kStart};
    std::array<std::byte, kDatagramBytesMax> packet{};
    std::uint64_t number = 0;
    const auto carry = [&] {
      const SealJob job{PacketNumber{number}, packet, kDataHeaderFromRelayBytes};
      EXPECT_TRUE(from.seal_run({&job, 1}));
      EXPECT_TRUE(to.open(kStart, {PacketNumber{number}, packet, kDataHeaderFromRelayBytes}));
      ++number;
    };
    carry();
    EXPECT_EQ(count([&] {
                for (int i = 0; i < 10'000; ++i) carry();
              }),
              0U)
        << suite_name(suite);
  }
}

}  // namespace
}  // namespace sluice::crypto
