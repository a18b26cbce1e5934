// Shared by the tests of net/: bytes to send and a loop that runs until something happened. A
// deadline ends a wait that would hang; nothing ever sleeps.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"
#include "proto/base/bytes.h"

namespace sluice::net {

inline constexpr Duration kPatience = std::chrono::seconds{10};

/// True when `done()` came true; false when the deadline came first.
template <class Predicate>
bool run_until(Loop& loop, Predicate done) {
  bool late = false;
  auto give_up = [&] { late = true; };
  Timer deadline{loop, Callback<>::ref(give_up)};
  deadline.arm(loop.refresh_now() + kPatience);
  while (!done() && !late) loop.run_once();
  return done();
}

inline std::vector<std::byte> pattern(std::size_t size, unsigned seed = 0) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 7 + seed) & 0xFFU);
  return bytes;
}

inline std::string text_of(Bytes bytes) { return std::string{as_text(bytes)}; }

}  // namespace sluice::net
