// Our figures against those of ISA-L, which has the same field. Built where ISA-L is installed.
#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <isa-l/erasure_code.h>

#include "proto/fec/gf256.h"
#include "proto/fec/gf256_kernels.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

constexpr std::size_t kBytesMax = 1300;

// P-REPAIR-02
TEST(Gf256Oracle, ProductsAndInversesAreTheSame) {
  for (unsigned a = 0; a < 256; ++a) {
    const auto x = static_cast<std::uint8_t>(a);
    for (unsigned b = 0; b < 256; ++b) {
      const auto y = static_cast<std::uint8_t>(b);
      ASSERT_EQ(multiply(x, y), gf_mul(x, y)) << a << " * " << b;
    }
    EXPECT_EQ(a == 0 ? 0 : inverse(x), a == 0 ? 0 : gf_inv(x));
  }
}

TEST(Gf256Oracle, EveryKernelGivesItsBytes) {
  for (const Kernel& kernel : kernels()) {
    sim::Xoshiro random{5};
    for (std::size_t size = 1; size <= kBytesMax; size += 7) {
      std::vector<std::byte> source = random_bytes(random, size);
      std::vector<std::byte> ours = random_bytes(random, size);
      std::vector<std::byte> theirs = ours;
      auto factor = static_cast<unsigned char>(random.below(256));
      std::array<unsigned char, 32> tables{};
      ec_init_tables(1, 1, &factor, tables.data());
      auto* to = reinterpret_cast<unsigned char*>(theirs.data());
      ec_encode_data_update(static_cast<int>(size), 1, 1, 0, tables.data(),
                            reinterpret_cast<unsigned char*>(source.data()), &to);
      kernel.one(ours, source, factor);
      ASSERT_EQ(ours, theirs) << kernel.name << ": " << size << " bytes, times " << int{factor};
    }
  }
}

}  // namespace
}  // namespace sluice::fec
