// `sluice ticket` and `sluice ctl`: questions and orders over a relay's control socket.
#include "proto/schema/control.h"

#include <cstdio>
#include <string>
#include <variant>

#include "client/cli/join.h"
#include "client/cli/options.h"
#include "client/control_client.h"
#include "client/credentials.h"

namespace sluice::client {
namespace {

Result<RoomName, Error> room_of(const std::string& text) {
  const auto room = RoomName::parse(text);
  if (room) return *room;
  return fail(ExitCode::kBadInput, text + ": a room is 1 to 64 letters, digits, _ or -");
}

Result<UserName, Error> user_of(const std::string& text) {
  const auto user = UserName::parse(text);
  if (user) return *user;
  return fail(ExitCode::kBadInput, text + ": a user is 1 to 64 letters, digits, _ or -");
}

Error strange_answer(const schema::Message& answer) {
  return {
      ExitCode::kUnreachable,
      "the relay answered " + std::string{schema::message_name(answer)} + ", not what was asked"};
}

double seconds_of_ms(std::uint64_t ms) { return static_cast<double>(ms) / 1000; }

Status<Error> list_rooms(ControlClient& control) {
  std::printf("%-32s %8s %8s %8s %8s\n", "ROOM", "MEMBERS", "STREAMS", "SUBSCR", "AGE s");
  schema::ListRooms question;
  for (;;) {
    const auto answer = control.ask(question);
    if (!answer) return Unexpected{answer.error()};
    const auto* page = std::get_if<schema::RoomList>(&*answer);
    if (page == nullptr) return Unexpected{strange_answer(*answer)};
    for (const schema::RoomSummary& room : page->rooms) {
      std::printf("%-32s %8u %8u %8u %8.0f\n", std::string{room.room.view()}.c_str(), room.members,
                  room.streams, room.subscriptions, seconds_of_ms(room.age_ms));
    }
    if (!page->more || page->rooms.empty()) return Done{};
    question.after = page->rooms.back().room;
  }
}

Status<Error> list_members(ControlClient& control, const std::string& text) {
  const auto room = room_of(text);
  if (!room) return Unexpected{room.error()};
  std::printf("%-32s %-16s %-10s %7s %8s  %s\n", "USER", "INSTANCE", "BY", "RTT ms", "AGE s",
              "PUSHES");
  schema::ListMembers question;
  question.room = *room;
  for (;;) {
    const auto answer = control.ask(question);
    if (!answer) return Unexpected{answer.error()};
    const auto* page = std::get_if<schema::MemberList>(&*answer);
    if (page == nullptr) return Unexpected{strange_answer(*answer)};
    for (const schema::MemberSummary& member : page->members) {
      std::string streams;
      for (const StreamName& stream : member.streams) {
        streams += (streams.empty() ? "" : " ") + std::string{stream.view()};
      }
      std::printf("%-32s %016llx %-10s %7.1f %8.0f  %s\n", std::string{member.user.view()}.c_str(),
                  static_cast<unsigned long long>(member.instance),
                  std::string{schema::endpoint_name(member.endpoint)}.c_str(),
                  static_cast<double>(member.rtt_us) / 1000, seconds_of_ms(member.age_ms),
                  streams.c_str());
    }
    if (!page->more || page->members.empty()) return Done{};
    question.after_user = page->members.back().user;
    question.after_instance = page->members.back().instance;
  }
}

Status<Error> order(ControlClient& control, schema::Message message) {
  const auto answer = control.ask(std::move(message));
  if (!answer) return Unexpected{answer.error()};
  if (!std::holds_alternative<schema::Status>(*answer)) return Unexpected{strange_answer(*answer)};
  return Done{};
}

Status<Error> kick(ControlClient& control, const CtlOptions& options) {
  const auto room = room_of(options.room);
  if (!room) return Unexpected{room.error()};
  const auto user = user_of(options.user);
  if (!user) return Unexpected{user.error()};
  schema::Kick message;
  message.room = *room;
  message.user = *user;
  const auto kicked = order(control, message);
  if (kicked) std::printf("%s is out of %s\n", options.user.c_str(), options.room.c_str());
  return kicked;
}

Status<Error> drain(ControlClient& control, double deadline_s) {
  schema::Drain message;
  message.deadline_ms = static_cast<std::uint32_t>(deadline_s * 1000);
  const auto drained = order(control, message);
  if (drained) {
    std::printf(
        "draining: nobody new is taken, who is left in %g s is cut off; then stop the relay\n",
        deadline_s);
  }
  return drained;
}

Status<Error> ticket(const TicketOptions& options) {
  const auto room = room_of(options.room);
  if (!room) return Unexpected{room.error()};
  const auto user = user_of(options.user);
  if (!user) return Unexpected{user.error()};
  const auto rights = parse_rights(options.rights);
  if (!rights) {
    return fail(ExitCode::kBadInput, options.rights + ": unknown rights; see sluice ticket --help");
  }
  const auto path = control_path(options.control);
  if (!path) return Unexpected{path.error()};
  net::Loop loop;
  const TicketWish wish{*room, *user, *rights, options.valid_s};
  const auto issued = ask_for_ticket(loop, *path, wish);
  if (!issued) return Unexpected{issued.error()};
  return write_text("-", ticket_as_json(*issued, wish));
}

Status<Error> ctl(const CtlOptions& options) {
  const auto path = control_path(options.control);
  if (!path) return Unexpected{path.error()};
  net::Loop loop;
  const auto control = ControlClient::connect(loop, *path);
  if (!control) return Unexpected{control.error()};
  switch (options.command) {
    case CtlOptions::Command::kRooms:
      return list_rooms(**control);
    case CtlOptions::Command::kMembers:
      return list_members(**control, options.room);
    case CtlOptions::Command::kKick:
      return kick(**control, options);
    case CtlOptions::Command::kDrain:
      return drain(**control, options.deadline_s);
  }
  return Done{};
}

}  // namespace

ExitCode run_ticket(const TicketOptions& options) {
  const auto ran = ticket(options);
  return ran ? ExitCode::kOk : end_with(ran.error());
}

ExitCode run_ctl(const CtlOptions& options) {
  const auto ran = ctl(options);
  return ran ? ExitCode::kOk : end_with(ran.error());
}

}  // namespace sluice::client
