#include <array>
#include <cerrno>

#include <linux/filter.h>
#include <sys/socket.h>

#include "net/udp_socket.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"

namespace sluice::net {

namespace {

// The clear part of DATA (P-DATA-01, P-WIRE-04): the type's two top bits are 01; the connection id
// follows, whose first byte ends in the worker's number.
constexpr std::uint32_t kTypeMask = 0xC0;
constexpr std::uint32_t kTypeData = 0x40;
constexpr std::uint32_t kTypeOffset = 0;
constexpr std::uint32_t kConnectionIdOffset = 1;
constexpr std::uint32_t kWorkerMask = kWorkersMax - 1;

/// A RESET's length: nothing shorter can be DATA, nor may it be answered (P-RESET-02).
constexpr std::uint32_t kSteeredBytesMin = 23;

constexpr sock_filter statement(int code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}

constexpr sock_filter jump(int code, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(code), yes, no, value};
}

}  // namespace

Status<Failure> attach_steering(int fd, std::size_t workers) {
  CHECK(workers >= 1 && workers <= kWorkersMax);
  // The program sees the UDP payload. A load past its end would end it with 0, which is the door
  // too, but by luck: so the length is looked at first.
  std::array<sock_filter, 11> program{
      statement(BPF_LD | BPF_W | BPF_LEN, 0),
      jump(BPF_JMP | BPF_JGE | BPF_K, kSteeredBytesMin, 0, 8),
      statement(BPF_LD | BPF_B | BPF_ABS, kTypeOffset),
      statement(BPF_ALU | BPF_AND | BPF_K, kTypeMask),
      jump(BPF_JMP | BPF_JEQ | BPF_K, kTypeData, 0, 5),
      statement(BPF_LD | BPF_B | BPF_ABS, kConnectionIdOffset),
      statement(BPF_ALU | BPF_AND | BPF_K, kWorkerMask),
      jump(BPF_JMP | BPF_JGE | BPF_K, static_cast<std::uint32_t>(workers), 2, 0),
      statement(BPF_ALU | BPF_ADD | BPF_K, 1),
      statement(BPF_RET | BPF_A, 0),
      statement(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{static_cast<std::uint16_t>(program.size()), program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) != 0) {
    return Unexpected{system_failure("cannot steer datagrams to workers", errno)};
  }
  return Done{};
}

}  // namespace sluice::net
