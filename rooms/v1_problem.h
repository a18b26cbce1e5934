// Problems: what /v1 answers instead of what was asked for, as RFC 9457 has it, with a code for
// programs and a cure for people. One table: a code stands for one status and one cure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sluice::rooms {

enum class Problem : std::uint8_t {
  kBodyBad,
  kFieldBad,
  kTokenMissing,
  kTokenBad,
  kTokenExpired,
  kForbidden,
  kPasswordWrong,
  kBanned,
  kRoomLocked,
  kPathUnknown,
  kRoomUnknown,
  kMemberUnknown,
  kMethodWrong,
  kRoomExists,
  kRoomFull,
  kRoleFixed,
  kTooManyModerated,
  kLengthMissing,
  kBodyTooLarge,
  kUpgradeRequired,
  kTooManyRequests,
  kRecordingsNotAvailable,
  kTooManyRooms,
};

struct ProblemRow {
  Problem problem;
  int status;
  std::string_view code, title, cure;
};

std::span<const ProblemRow> problem_rows();
const ProblemRow& row_of(Problem problem);

/// `detail`: what is special about this one.
net::HttpResponse problem_response(Problem problem, std::string_view detail = {});

/// For what never became a request: 400, 411, 413; or another status of the table.
net::HttpResponse problem_of_status(int status);

}  // namespace sluice::rooms
