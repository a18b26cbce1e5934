// Why a member is gone from its room.
#pragma once

#include <cstdint>

namespace sluice {

/// The values are the control schema's.
enum class LeaveReason : std::uint8_t {
  kLeft,
  kIdle,
  kKicked,
  kReplaced,
  kRoomClosed,
  kDraining,
  kExpired,
  kMisbehaved,
  kUnreachable,
};

}  // namespace sluice
