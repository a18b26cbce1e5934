// `sluice-bench rooms`: a room service of our own, filled with rooms and members, and what its
// calls take then. Calls are offered by a schedule whatever the answers do, and a call's latency
// counts from when it should have been asked, so a service that stalls is seen to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "client/histogram.h"
#include "proto/base/result.h"

namespace sluice::bench {

enum class RoomsCall : std::uint8_t { kHeartbeat, kPushers, kRoomList, kMessage };

inline constexpr std::array<const char*, 4> kRoomsCallNames{"heartbeat", "get_pushers",
                                                            "get_room_list", "message"};

struct RoomsOptions {
  std::uint32_t rooms = 5000;          // multi_rooms
  std::uint32_t members = 4;           // of each, all pushers
  std::uint32_t calls_per_s = 2000;    // 6 heartbeats, 2 get_pushers, a list, a message of ten
  std::uint32_t parked = 2000;         // members whose group poll is held meanwhile
  std::uint32_t notice_members = 200;  // of one live_room, all with a poll; 0: none
  std::uint32_t notices = 50;
  double seconds = 20;
  std::string program;  // empty: the service beside this program
};

struct RoomsReport {
  RoomsOptions options;
  double filled_s = 0;  // how long all members took to come in
  std::uint64_t filling_calls = 0;
  std::uint64_t calls = 0, failed = 0, lost_members = 0;
  client::Histogram latency_us;
  std::array<client::Histogram, kRoomsCallNames.size()> latency_of_us;
  double cpu_percent = 0;  // of one core, while the schedule ran
  double bytes_at_start = 0, bytes_of_members = 0, bytes_of_parked = 0;
  std::uint64_t polls_answered = 0;
  client::Histogram notice_us;  // from the call to the last answer of a poll
  double load = 0;              // of the machine
};

/// Errors name the option that makes no sense.
Status<Failure> check_rooms(const RoomsOptions& options);

Result<RoomsReport, Failure> run_rooms(const RoomsOptions& options);

/// One JSON object, with a line end.
std::string rooms_json(const RoomsReport& report);

}  // namespace sluice::bench
