// The page /metrics of the room service, in Prometheus' text form. Labels come from tables in the
// code, never from clients.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "rooms/room.h"

namespace sluice::rooms {

struct ServiceCounts;

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// In the order of DissolveCause; in metrics and logs.
inline constexpr std::array<std::string_view, 4> kDissolveCauses{"creator_left", "last_left",
                                                                 "destroyed", "never_entered"};

struct MetricsView {
  std::string version;
  std::int64_t start_time_s = 0;
  bool ready = false;
  std::array<std::uint64_t, kRoomTypes.size()> rooms{};
  std::uint64_t pushers = 0, viewers = 0;
  std::uint64_t sessions = 0, polls = 0;  // of the message service
  std::uint64_t journal_bytes = 0;
  std::uint64_t relays_ready = 0;
  std::uint64_t relay_streams = 0;
};

std::string metrics_text(const MetricsView& view, const ServiceCounts& counts);

}  // namespace sluice::rooms
