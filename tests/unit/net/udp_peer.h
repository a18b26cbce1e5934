// Peer: a UDP socket that remembers what it received.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/address.h"
#include "net/udp_socket.h"
#include "tests/unit/net/support.h"

namespace sluice::net {

using Datagram = std::vector<std::byte>;

struct Peer {
  explicit Peer(Loop& on, const Address& address = Address::v4(127, 0, 0, 1, 0),
                const UdpConfig& config = {})
      : loop(on), socket(on, Callback<const ReceivedBatch&>::to<&Peer::on_batch>(this)) {
    const auto opened = socket.open(address, config);
    EXPECT_TRUE(opened) << opened.error().message;
  }

  void on_batch(const ReceivedBatch& batch) {
    EXPECT_EQ(batch.now, loop.now());
    for (const ReceivedDatagram& datagram : batch.datagrams) {
      received.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
      last = datagram;
    }
  }

  void send(const Address& to, Bytes bytes, std::uint16_t segment_bytes = 0) {
    socket.send({to, bytes, segment_bytes});
  }

  Address loopback(bool v6) const {
    Address address = v6 ? *parse_address("[::1]:0") : Address::v4(127, 0, 0, 1, 0);
    address.port = socket.address().port;
    return address;
  }

  Loop& loop;
  std::vector<Datagram> received;
  ReceivedDatagram last;
  UdpSocket socket;
};

inline std::vector<Datagram> split(Bytes bytes, std::size_t size) {
  std::vector<Datagram> parts;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(size, bytes.size()))) {
    const Bytes part = bytes.first(std::min(size, bytes.size()));
    parts.emplace_back(part.begin(), part.end());
  }
  return parts;
}

inline UdpConfig with(bool segmentation, bool coalescing) {
  UdpConfig config;
  config.segmentation = segmentation;
  config.coalescing = coalescing;
  return config;
}

}  // namespace sluice::net
