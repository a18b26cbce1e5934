// `sluice room`: what one does with rooms at a room service by hand.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "client/cli/event_line.h"
#include "client/cli/join.h"
#include "client/cli/joiner.h"
#include "client/cli/options.h"
#include "client/rooms/room_listener.h"

namespace sluice::client {
namespace {

class RoomProgram {
 public:
  explicit RoomProgram(const RoomOptions& options)
      : options_(options),
        interrupt_(loop_, net::Callback<int>::to<&RoomProgram::handle_signal>(this)),
        terminate_(loop_, net::Callback<int>::to<&RoomProgram::handle_signal>(this)) {}

  Status<Error> run() {
    const auto room = RoomName::parse(options_.room);
    if (!room && options_.command != RoomOptions::Command::kList) {
      return fail(ExitCode::kBadInput,
                  options_.room + ": a room is 1 to 64 letters, digits, _ or -");
    }
    auto session =
        open_room_session(loop_, options_.rooms, options_.user,
                          net::Callback<const RoomEvent&>::to<&RoomProgram::handle_event>(this));
    if (!session) return Unexpected{session.error()};
    session_ = std::move(*session);
    return run_command(room.value_or(RoomName{}));
  }

 private:
  Status<Error> run_command(const RoomName& room) {
    RoomClient& client = session_->client();
    switch (options_.command) {
      case RoomOptions::Command::kCreate:
        client.create_room(room, options_.type, options_.info);
        return finish(RoomCall::kCreateRoom);
      case RoomOptions::Command::kList:
        client.room_list();
        return finish(RoomCall::kRoomList);
      case RoomOptions::Command::kMembers:
        client.pushers(room);
        return finish(RoomCall::kPushers);
      case RoomOptions::Command::kEnter:
        return stay(room);
      case RoomOptions::Command::kExit:
        client.exit_room(room);
        return finish(RoomCall::kExitRoom);
      case RoomOptions::Command::kSay:
        return say(room);
      case RoomOptions::Command::kWatch:
        return watch(room);
      case RoomOptions::Command::kKick:
        return kick(room);
      case RoomOptions::Command::kDestroy:
        client.destroy_room(room);
        return finish(RoomCall::kDestroyRoom);
    }
    return Done{};
  }

  Status<Error> kick(const RoomName& room) {
    const auto target = UserName::parse(options_.target);
    if (!target) {
      return fail(ExitCode::kBadInput,
                  options_.target + ": a user is 1 to 48 letters, digits, _ or -");
    }
    session_->client().kick(room, *target);
    return finish(RoomCall::kKick);
  }

  /// In the room until a signal; the ticket on stdout is for push and pull.
  Status<Error> stay(const RoomName& room) {
    if (auto watched = watch_end_signals(interrupt_, terminate_); !watched) return watched;
    session_->client().enter_room(room, options_.watches ? RoomRole::kViewer : RoomRole::kPusher);
    if (auto entered = finish(RoomCall::kEnterRoom); !entered) return entered;
    while (!ended_) loop_.run_once();
    if (error_) return Unexpected{*error_};
    session_->client().exit_room(room);
    return finish(RoomCall::kExitRoom);
  }

  /// Who is not in the room comes in for it, as a viewer.
  Status<Error> say(const RoomName& room) {
    RoomClient& client = session_->client();
    const auto entered = come_in(room);
    if (!entered) return Unexpected{entered.error()};
    client.send_room_text_msg(room, options_.text);
    const auto said = finish(RoomCall::kSendText);
    if (!*entered) return said;
    client.exit_room(room);
    const auto left = finish(RoomCall::kExitRoom);
    return said ? left : said;
  }

  Status<Error> watch(const RoomName& room) {
    if (auto watched = watch_end_signals(interrupt_, terminate_); !watched) return watched;
    const auto entered = come_in(room);
    if (!entered) return Unexpected{entered.error()};
    RoomListener listener{loop_,
                          session_->url(),
                          {net::Callback<>::to<&RoomProgram::handle_listening>(this),
                           net::Callback<const std::string&>::to<&RoomProgram::handle_told>(this),
                           net::Callback<const Error&>::to<&RoomProgram::handle_end>(this)}};
    listener.listen(room, session_->client().token());
    while (!ended_) loop_.run_once();
    if (error_) return Unexpected{*error_};
    if (!*entered || out_) return Done{};
    session_->client().exit_room(room);
    return finish(RoomCall::kExitRoom);
  }

  /// False for who is in the room already, by another program, and stays in it.
  Result<bool, Error> come_in(const RoomName& room) {
    session_->client().enter_room(room, RoomRole::kViewer);
    const RoomEvent answer = session_->await(RoomCall::kEnterRoom);
    if (answer.code == "role_fixed") return false;
    if (answer.error) return Unexpected{*answer.error};
    return std::get<RoomEntry>(answer.result).came_in;
  }

  void handle_listening() {
    if (std::exchange(told_listening_, true)) return;
    print_on_stderr("sluice: listening to " + options_.room + "; Ctrl-C ends\n");
  }

  void handle_told(const std::string& event) {
    std::printf("%s\n", options_.json ? event.c_str() : event_line(event).c_str());
    std::fflush(stdout);
  }

  /// The room's end, or ours in it.
  void handle_end(const Error& end) {
    ended_ = out_ = true;
    if (end.code != ExitCode::kOk) {
      error_ = end;
    } else if (end.message != "dissolved") {
      error_ = Error{ExitCode::kRefused, "out of the room: " + end.message};
    }
  }

  Status<Error> finish(RoomCall call) {
    const RoomEvent answer = session_->await(call);
    if (answer.error) return Unexpected{*answer.error};
    if (const auto* room = std::get_if<ListedRoom>(&answer.result)) {
      std::printf("%s\n", room->room.c_str());
    } else if (const auto* rooms = std::get_if<std::vector<ListedRoom>>(&answer.result)) {
      std::printf("%-32s %-8s %8s %-20s %s\n", "ROOM", "TYPE", "MEMBERS", "CREATOR", "INFO");
      for (const ListedRoom& one : *rooms) {
        std::printf("%-32s %-8s %8llu %-20s %s\n", one.room.c_str(), one.type.c_str(),
                    static_cast<unsigned long long>(one.members), one.creator.c_str(),
                    one.info.c_str());
      }
    } else if (const auto* members = std::get_if<std::vector<RoomMember>>(&answer.result)) {
      std::printf("%-32s %-8s %s\n", "USER", "ROLE", "NAME");
      for (const RoomMember& one : *members) {
        std::printf("%-32s %-8s %s\n", one.user.c_str(), one.role.c_str(), one.name.c_str());
      }
    } else if (const auto* entry = std::get_if<RoomEntry>(&answer.result)) {
      print_on_stderr("sluice: " + entry->user + " is in " + entry->room.room +
                      "; Ctrl-C leaves\n");
      std::printf("%s\n", entry->ticket.c_str());
    }
    std::fflush(stdout);
    return Done{};
  }

  /// A heartbeat that failed. One that was refused means that we are out.
  void handle_event(const RoomEvent& event) {
    if (event.error->code == ExitCode::kUnreachable) return;
    error_ = event.error;
    ended_ = true;
  }

  void handle_signal(int) { ended_ = true; }

  const RoomOptions& options_;
  net::Loop loop_;
  net::Signal interrupt_, terminate_;
  std::unique_ptr<RoomSession> session_;
  std::optional<Error> error_;
  bool ended_ = false;
  bool told_listening_ = false;
  bool out_ = false;  // of the room, by no wish of ours
};

}  // namespace

ExitCode run_room(const RoomOptions& options) {
  RoomProgram program{options};
  const auto ran = program.run();
  return ran ? ExitCode::kOk : end_with(ran.error());
}

}  // namespace sluice::client
