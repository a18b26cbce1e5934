// Words for the numbers of the control socket, as tools print them.
#include "proto/schema/control.h"

namespace sluice::schema {

std::string_view status_name(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kMalformed:
      return "malformed";
    case StatusCode::kUnknownMessage:
      return "unknown_message";
    case StatusCode::kNotYet:
      return "not_yet";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kNotActive:
      return "not_active";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kDraining:
      return "draining";
    case StatusCode::kRefused:
      return "refused";
  }
  return "unknown";
}

std::string_view leave_reason_name(LeaveReason reason) {
  switch (reason) {
    case LeaveReason::kLeft:
      return "left";
    case LeaveReason::kIdle:
      return "idle";
    case LeaveReason::kKicked:
      return "kicked";
    case LeaveReason::kReplaced:
      return "replaced";
    case LeaveReason::kRoomClosed:
      return "room_closed";
    case LeaveReason::kDraining:
      return "draining";
    case LeaveReason::kExpired:
      return "expired";
    case LeaveReason::kMisbehaved:
      return "misbehaved";
    case LeaveReason::kUnreachable:
      return "unreachable";
  }
  return "unknown";
}

std::string_view endpoint_name(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::kLink:
      return "link";
    case EndpointKind::kRtmp:
      return "rtmp";
    case EndpointKind::kHttpFlv:
      return "http_flv";
    case EndpointKind::kWebSocket:
      return "websocket";
  }
  return "unknown";
}

}  // namespace sluice::schema
