// prefetch: asks the processor for memory that will be used soon. Whoever goes through many links
// finds none of their tables in its caches; asked for together, ahead of the work, their lines come
// side by side instead of one wait after another. A hint only: any address is allowed, and nothing
// is read or changed.
#pragma once

#include <cstddef>

namespace sluice {

/// Of every processor that we are built for.
inline constexpr std::size_t kCacheLineBytes = 64;

/// How far ahead of the work: what a pointer leads to can be asked for only when the pointer is
/// there.
enum class Ahead : unsigned char {
  kFar,   // the object itself
  kNear,  // the tables that it points to; some time after kFar
};

inline void prefetch(const void* at, std::size_t bytes) {
  const auto* const memory = static_cast<const char*>(at);
  for (std::size_t i = 0; i < bytes; i += kCacheLineBytes) __builtin_prefetch(memory + i);
}

/// Members of one object, from `first` up to `last` and with it.
template <class First, class Last>
void prefetch_through(const First& first, const Last& last) {
  const auto* const begin = reinterpret_cast<const char*>(&first);
  const auto* const end = reinterpret_cast<const char*>(&last) + sizeof last;
  prefetch(begin, static_cast<std::size_t>(end - begin));
}

}  // namespace sluice
