// A library to preload: a kernel that lacks UDP_SEGMENT and UDP_GRO, or a device that cannot cut.
// SLUICE_REFUSE says which: "options" refuses both socket options; "sends" takes them, and refuses
// each message that is to be cut. So a test can show that media also flows there.
#include <dlfcn.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <netinet/udp.h>
#include <sys/socket.h>

namespace {

bool refuses(const char* what) {
  const char* const wanted = std::getenv("SLUICE_REFUSE");
  return wanted != nullptr && std::strcmp(wanted, what) == 0;
}

/// The C library's own of this name.
template <class Function>
Function real(const char* name) {
  // dlsym returns data pointers only; POSIX promises that the conversion works.
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_to_be_cut(const msghdr& header) {
  msghdr copy = header;  // CMSG_NXTHDR wants one that is not const
  for (cmsghdr* at = CMSG_FIRSTHDR(&copy); at != nullptr; at = CMSG_NXTHDR(&copy, at)) {
    if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_SEGMENT) return true;
  }
  return false;
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the C library's names
extern "C" int setsockopt(int fd, int level, int name, const void* value,
                          socklen_t length) noexcept {
  static const auto function = real<int (*)(int, int, int, const void*, socklen_t)>("setsockopt");
  static const bool refused = refuses("options");
  if (refused && level == SOL_UDP && (name == UDP_SEGMENT || name == UDP_GRO)) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return function(fd, level, name, value, length);
}

extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  static const auto function = real<int (*)(int, mmsghdr*, unsigned, int)>("sendmmsg");
  static const bool refused = refuses("sends");
  // As the kernel does it: what stands before the refused message is sent.
  unsigned good = 0;
  while (good < count && !(refused && is_to_be_cut(messages[good].msg_hdr))) ++good;
  if (good > 0 || count == 0) return function(fd, messages, good, flags);
  errno = EIO;
  return -1;
}

// NOLINTEND(readability-identifier-naming)
