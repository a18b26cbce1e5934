#include "proto/fec/gf256.h"

#include <algorithm>

#include "proto/fec/gf256_kernels.h"

namespace sluice::fec {

namespace {

void four_scalar(MutableBytes destination, std::span<const Term, kTermsPerWalk> terms) noexcept {
  for (const Term& term : terms)
    mul_add_scalar(destination, term.source.first(destination.size()), term.factor);
}

constexpr Kernel kScalarKernel{"scalar", mul_add_scalar, four_scalar};

struct KernelList {
  std::array<Kernel, 4> all{};
  std::size_t count = 0;

  void add(const Kernel& kernel) { all[count++] = kernel; }
};

KernelList make_kernel_list() noexcept {
  KernelList list;
  list.add(kScalarKernel);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("ssse3")) list.add(kSsse3Kernel);
  if (__builtin_cpu_supports("avx2")) list.add(kAvx2Kernel);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("gfni")) list.add(kGfniKernel);
#elif defined(__aarch64__)
  list.add(kNeonKernel);  // part of every aarch64
#endif
  return list;
}

const Kernel& chosen() noexcept {
  static const Kernel kChosen = kernels().back();
  return kChosen;
}

std::size_t shortest(std::span<const Term, kTermsPerWalk> terms) {
  std::size_t bytes = terms[0].source.size();
  for (const Term& term : terms.subspan<1>()) bytes = std::min(bytes, term.source.size());
  return bytes;
}

}  // namespace

void mul_add_scalar(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  const NibbleProducts& products = kNibbleProducts[factor];
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::uint8_t b = to_u8(source[i]);
    destination[i] ^= std::byte(products.low[b & 0xFU] ^ products.high[b >> 4U]);
  }
}

std::span<const Kernel> kernels() noexcept {
  static const KernelList kList = make_kernel_list();
  return std::span{kList.all}.first(kList.count);
}

std::string_view kernel_name() noexcept { return chosen().name; }

void mul_add(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  DCHECK(source.size() <= destination.size());
  if (factor == 0 || source.empty()) return;
  chosen().one(destination.first(source.size()), source, factor);
}

void mul_add(MutableBytes destination, std::span<const Term> terms) noexcept {
  const Kernel& kernel = chosen();
  for (; terms.size() >= kTermsPerWalk; terms = terms.subspan(kTermsPerWalk)) {
    const auto four = terms.first<kTermsPerWalk>();
    const std::size_t common = shortest(four);
    kernel.four(destination.first(common), four);
    for (const Term& term : four)
      mul_add(destination.subspan(common), term.source.subspan(common), term.factor);
  }
  for (const Term& term : terms) mul_add(destination, term.source, term.factor);
}

}  // namespace sluice::fec
