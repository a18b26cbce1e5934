#include "rooms/v1_problem.h"

#include "rooms/api.h"

namespace sluice::rooms {
namespace {

// In the order of Problem.
constexpr ProblemRow kRows[] = {
    {Problem::kBodyBad, 400, "body_bad", "The body is no JSON object",
     "Send one JSON object as application/json, with a Content-Length, and none with GET or "
     "DELETE."},
    {Problem::kFieldBad, 400, "field_bad", "A field is missing, unknown or not allowed",
     "The detail names the field; docs/API.md has the fields of each call."},
    {Problem::kTokenMissing, 401, "token_missing", "No token", "Send Authorization: Bearer TOKEN."},
    {Problem::kTokenBad, 401, "token_bad", "The token is not good here",
     "Have it made with the application's key; docs/API.md has the claims."},
    {Problem::kTokenExpired, 401, "token_expired", "The token is not valid now", "Get a new one."},
    {Problem::kForbidden, 403, "forbidden", "The token does not let you do that",
     "Ask with a token for this room that has the right which the detail names."},
    {Problem::kPasswordWrong, 403, "password_wrong", "The room has another password",
     "Send the room's password as `password`."},
    {Problem::kBanned, 403, "banned", "Banned from this room", "Ask a moderator of the room."},
    {Problem::kRoomLocked, 403, "room_locked", "The room is locked",
     "Wait until a moderator opens it."},
    {Problem::kPathUnknown, 404, "path_unknown", "No such path", "docs/API.md has all of them."},
    {Problem::kRoomUnknown, 404, "room_unknown", "No such room",
     "Make it first: POST /v1/rooms. A room that nobody enters goes after 30 s."},
    {Problem::kMemberUnknown, 404, "member_unknown", "No such member of the room",
     "Enter first: POST /v1/rooms/{room}/members. Without heartbeats a member goes after 20 s."},
    {Problem::kMethodWrong, 405, "method_wrong", "This path has other methods",
     "The header field Allow names them."},
    {Problem::kRoomExists, 409, "room_exists", "There is a room of this id",
     "Enter that one, or choose another id."},
    {Problem::kRoomFull, 409, "room_full", "The room is full",
     "Enter as a viewer, or wait until somebody leaves."},
    {Problem::kRoleFixed, 409, "role_fixed", "A pusher cannot become a viewer",
     "Leave first, then enter as a viewer."},
    {Problem::kTooManyModerated, 409, "too_many_moderated",
     "The room has all the bans or mutes it may have", "Lift one."},
    {Problem::kLengthMissing, 411, "length_missing", "The body has no Content-Length",
     "Send Content-Length, also 0; not chunked."},
    {Problem::kBodyTooLarge, 413, "body_too_large", "The body is too large", "64 KiB at most."},
    {Problem::kUpgradeRequired, 426, "upgrade_required", "This path is a WebSocket",
     "Ask with Connection: Upgrade, as a WebSocket client does."},
    {Problem::kTooManyRequests, 429, "too_many_requests", "Too many requests of this address",
     "Send fewer; listen.requests_per_address is how many a second."},
    {Problem::kRecordingsNotAvailable, 501, "recordings_not_available",
     "This service does not record", "Pull the stream and write it: sluice pull -o FILE."},
    {Problem::kTooManyRooms, 503, "too_many_rooms", "This service has all the rooms it may have",
     "Wait until some are dissolved; rooms.most is the limit."},
};

}  // namespace

std::span<const ProblemRow> problem_rows() { return kRows; }

const ProblemRow& row_of(Problem problem) { return kRows[static_cast<std::size_t>(problem)]; }

net::HttpResponse problem_response(Problem problem, std::string_view detail) {
  const ProblemRow& row = row_of(problem);
  Json json{{"type", "about:blank"},
            {"title", row.title},
            {"status", row.status},
            {"code", row.code},
            {"cure", row.cure}};
  if (!detail.empty()) json["detail"] = detail;
  net::HttpResponse response = json_response(row.status, json);
  response.content_type = "application/problem+json";
  if (row.status == 401) response.headers.push_back({"www-authenticate", "Bearer"});
  return response;
}

net::HttpResponse problem_of_status(int status) {
  for (const ProblemRow& row : kRows) {
    if (row.status == status) return problem_response(row.problem);
  }
  return problem_response(Problem::kBodyBad);
}

}  // namespace sluice::rooms
