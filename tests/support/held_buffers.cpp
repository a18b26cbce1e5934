// A library to preload: holds the receive buffers of a program to what stock Debian grants (208
// KiB), whatever this machine's net.core.rmem_max is. So a test can show that media also flows
// there.
#include <dlfcn.h>

#include <algorithm>
#include <cstring>

#include <sys/socket.h>

namespace {

constexpr int kStockReceiveBufferBytes = 212'992;  // net.core.rmem_max of Debian 12's kernel

using SetSockOpt = int (*)(int, int, int, const void*, socklen_t);

SetSockOpt real_setsockopt() {
  // dlsym returns data pointers only; POSIX promises that the conversion works.
  static const auto function = reinterpret_cast<SetSockOpt>(dlsym(RTLD_NEXT, "setsockopt"));
  return function;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the C library's name
extern "C" int setsockopt(int fd, int level, int name, const void* value,
                          socklen_t length) noexcept {
  int held = 0;
  if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE) &&
      length == sizeof held) {
    std::memcpy(&held, value, sizeof held);
    held = std::min(held, kStockReceiveBufferBytes);
    return real_setsockopt()(fd, level, SO_RCVBUF, &held, sizeof held);
  }
  return real_setsockopt()(fd, level, name, value, length);
}
