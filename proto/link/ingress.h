// Ingress: the tracks that come, as far as the link must know them to solve repairs: for each the
// ring in which its owner keeps the parts that arrived.
#pragma once

#include <cstddef>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/ids.h"
#include "proto/base/packet_ring.h"

namespace sluice::link {

class Ingress {
 public:
  void open_track(TrackId track, const PacketRing* ring) {
    CHECK(ring != nullptr);
    const auto id = static_cast<std::size_t>(track);
    if (id >= rings_.size()) rings_.resize(id + 1);
    rings_[id] = ring;
  }

  void close_track(TrackId track) {
    const auto id = static_cast<std::size_t>(track);
    if (id < rings_.size()) rings_[id] = nullptr;
  }

 private:
  std::vector<const PacketRing*> rings_;  // by id; null: not open
};

}  // namespace sluice::link
