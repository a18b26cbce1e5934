// CHECK and DCHECK: statements about our own code. A failed CHECK is a bug of ours and aborts, in
// every build. Bytes from a peer must never decide one: they end as a DropReason instead.
#pragma once

namespace sluice {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace sluice

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::sluice::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif
