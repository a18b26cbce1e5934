// The program `sluice`: command line to options structs, nothing else. CLI11 is seen here alone.
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "client/cli/options.h"
#include "client/stats.h"
#include "proto/crypto/secret.h"

namespace sluice::client {
namespace {

constexpr const char* kDescription =
    "Pushes FLV streams to a Sluice relay and pulls them from it, encrypted over UDP.\n\n"
    "Beside `sluice-relay --dev` on the same machine:\n"
    "  sluice push sluice://127.0.0.1/demo/camera FILE.flv --loop\n"
    "  sluice pull sluice://127.0.0.1/demo/camera -o - | ffplay -";

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 nothing came, 2 bad input, 3 refused or ended by the relay, 4 unreachable "
    "or the link is lost, 5 environment.\n"
    "A pull ends with 0, and says why, when its stream goes down, the room is closed or the relay "
    "is "
    "shut down; with 1 when none of it had come.";

void add_rooms(CLI::App& command, RoomsOptions& rooms) {
  command.add_option("--rooms", rooms.url, "http://HOST:PORT of a room service");
  command.add_option("--token-file", rooms.token_file,
                     "token of an application for that service; -: stdin (default: as a guest)");
  command.add_option("--password-file", rooms.password_file,
                     "password of the room, to make it with or to enter it; -: stdin");
}

void add_join(CLI::App& command, JoinOptions& join) {
  command.add_option("url", join.url, "sluice://HOST[:PORT]/ROOM/NAME; with --rooms ROOM/NAME")
      ->required();
  add_rooms(command, join.rooms);
  command.add_option("--address", join.address, "send the packets to this HOST:PORT instead");
  command.add_option("--control", join.control, "control socket of a local relay, for a ticket");
  command.add_option("--ticket-file", join.ticket_file,
                     "a ticket as `sluice ticket` prints it; -: stdin");
  command.add_option("--user", join.user,
                     "who joins, when the ticket is made here (default: a push joins as its NAME, "
                     "a pull by a random one)");
  command.add_option("--seconds", join.seconds, "end this long after the first frame")
      ->check(CLI::Range(0.001, 1e7, "seconds"));
  command.add_option("--stats", join.stats, "write statistics as JSON to this file; -: stdout");
}

/// What stands below a command's options: what to type, and what --stats writes.
void add_footer(CLI::App& command, const std::string& examples) {
  command.footer("Examples:\n" + examples + "\n" + std::string{Stats::keys()});
}

CLI::App* add_push(CLI::App& app, PushOptions& push) {
  CLI::App* command = app.add_subcommand("push", "push an FLV file or pipe");
  add_join(*command, push.join);
  command->add_option("file", push.file, "FLV file; -: stdin");
  command
      ->add_option("--rendition", push.renditions,
                   "NAME=FILE instead of a file, once for each rendition of one picture, the best "
                   "first: each pull gets the one that fits; sound is the first one's")
      ->expected(1)
      ->take_all();
  command->add_flag("--loop", push.loop, "begin again at the file's end; timestamps go on");
  command->add_flag("--no-pace", push.no_pace, "as fast as the path takes it, not in real time");
  command->add_flag("--stamp", push.stamp,
                    "stamp frames, so that a pull on this host measures latency");
  add_footer(*command,
             "  sluice push sluice://127.0.0.1/demo/camera FILE.flv --loop\n"
             "  ffmpeg ... -f flv - | sluice push sluice://127.0.0.1/demo/camera -\n"
             "  sluice push sluice://127.0.0.1/demo/camera --rendition hi=HI.flv --rendition "
             "lo=LO.flv\n"
             "  sluice push --rooms http://127.0.0.1:5757 demo/camera FILE.flv --loop\n");
  return command;
}

CLI::App* add_pull(CLI::App& app, PullOptions& pull) {
  CLI::App* command = app.add_subcommand("pull", "pull a stream and write it as FLV");
  add_join(*command, pull.join);
  command->add_option("-o,--output", pull.output, "FLV file to write; -: stdout; none: count only");
  command->add_flag("--live", pull.live, "play-out order: what is not here in time is given up");
  command
      ->add_option("--delay", pull.delay_ms,
                   "ms: patience for lost frames (2000); with --live the play-out delay, which is "
                   "else chosen by what the path does")
      ->check(CLI::Range(0, 60'000));
  command
      ->add_option("--delay-min", pull.delay_min_ms,
                   "ms: with --live, the least play-out delay (15)")
      ->check(CLI::Range(0, 60'000));
  command
      ->add_option("--delay-max", pull.delay_max_ms,
                   "ms: with --live, the largest play-out delay (500)")
      ->check(CLI::Range(0, 60'000));
  command
      ->add_option("--video-max", pull.video_kbit_max,
                   "kbit/s: take no better rendition of the picture than this (0: what fits)")
      ->check(CLI::Range(0, 4'000'000));
  command
      ->add_option("--priority", pull.priority,
                   "0 to 255: what is more important when not everything fits (0)")
      ->check(CLI::Range(0, 255));
  add_footer(*command,
             "  sluice pull sluice://127.0.0.1/demo/camera -o copy.flv --seconds 10\n"
             "  sluice pull sluice://127.0.0.1/demo/camera --live -o - | ffplay -\n"
             "  sluice pull --rooms http://127.0.0.1:5757 demo/camera --live -o - | ffplay -\n");
  return command;
}

CLI::App* add_ticket(CLI::App& app, TicketOptions& ticket) {
  CLI::App* command = app.add_subcommand("ticket", "print a ticket of a relay on this machine");
  command->add_option("--control", ticket.control,
                      "its control socket (default: the --dev relay's)");
  command->add_option("--room", ticket.room, "the room it lets in")->required();
  command->add_option("--user", ticket.user, "as whom")->required();
  command
      ->add_option(
          "--rights", ticket.rights,
          "push, push-audio, push-video, push-data, subscribe, control, record, hidden, all")
      ->default_val("push,subscribe");
  command->add_option("--valid", ticket.valid_s, "seconds until it must be used; it joins once")
      ->default_val(60)
      ->check(CLI::Range(1, 366 * 24 * 3600));
  command->footer(
      "Examples:\n"
      "  sluice ticket --room demo --user anna > anna.ticket\n"
      "  sluice push sluice://HOST/demo/anna FILE.flv --ticket-file anna.ticket\n");
  return command;
}

CLI::App* add_ctl(CLI::App& app, CtlOptions& ctl) {
  using Command = CtlOptions::Command;
  CLI::App* command = app.add_subcommand("ctl", "ask or order a relay on this machine");
  command->require_subcommand(1);
  command->add_option("--control", ctl.control, "its control socket (default: the --dev relay's)");
  const auto add = [&](const char* name, const char* help, Command which) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->callback([&ctl, which] { ctl.command = which; });
    sub->fallthrough();
    return sub;
  };
  add("rooms", "list the rooms", Command::kRooms);
  add("members", "list a room's members", Command::kMembers)
      ->add_option("room", ctl.room, "its name")
      ->required();
  CLI::App* kick = add("kick", "remove a user from a room", Command::kKick);
  kick->add_option("room", ctl.room, "its name")->required();
  kick->add_option("user", ctl.user, "who has to go; tickets made up to now are void")->required();
  add("drain", "take nobody new and cut off who is left, before the relay is stopped",
      Command::kDrain)
      ->add_option("--deadline", ctl.deadline_s, "seconds after which the rest is cut off")
      ->default_val(30)
      ->check(CLI::Range(0.0, 4e6, "seconds"));
  command->footer(
      "Examples:\n"
      "  sluice ctl rooms\n"
      "  sluice ctl members demo\n");
  return command;
}

CLI::App* add_room(CLI::App& app, RoomOptions& room) {
  using Command = RoomOptions::Command;
  CLI::App* command = app.add_subcommand("room", "rooms of a room service");
  command->require_subcommand(1);
  add_rooms(*command, room.rooms);
  command->get_option("--rooms")->default_val("http://127.0.0.1:5757");
  command->add_option("--user", room.user,
                      "as whom, where guests may choose (default: they do not)");
  const auto add = [&](const char* name, const char* help, Command which) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->callback([&room, which] { room.command = which; });
    sub->fallthrough();
    if (which != Command::kList) sub->add_option("room", room.room, "its name")->required();
    return sub;
  };
  CLI::App* create = add("create", "make a room", Command::kCreate);
  create->add_option("--type", room.type, "double, multi or live")->default_val("multi");
  create->add_option("--info", room.info, "a text about it");
  add("list", "list the rooms", Command::kList);
  add("members", "list who is in a room", Command::kMembers);
  add("enter", "be in a room until Ctrl-C; prints a ticket for the relay", Command::kEnter)
      ->add_flag("--watch-only", room.watches, "as a viewer, who may not push");
  add("exit", "leave a room that another program entered as this --user", Command::kExit);
  add("say", "send a text to who is in a room", Command::kSay)
      ->add_option("text", room.text, "1 to 4096 bytes")
      ->required();
  add("watch", "tell what happens in a room, until Ctrl-C or its end", Command::kWatch)
      ->add_flag("--json", room.json, "each event as the service has it, a line each");
  add("kick", "put a user out of a room", Command::kKick)
      ->add_option("target", room.target, "who has to go")
      ->required();
  add("destroy", "dissolve a room", Command::kDestroy);
  command->footer(
      "Examples:\n"
      "  sluice room create demo --user anna\n"
      "  sluice room watch demo\n"
      "  sluice room say demo 'hello' --user bert\n");
  return command;
}

/// The command line's errors name the command whose help they point to, and a command that there
/// is not.
std::string explain(const CLI::App& app, int argc, char** argv, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const CLI::App* found = nullptr;
    std::string names;
    for (const CLI::App* sub : command->get_subcommands(nullptr)) {
      names += (names.empty() ? "" : ", ") + sub->get_name();
      if (sub->get_name() == argv[i]) found = sub;
    }
    if (names.empty()) break;
    if (found == nullptr) {
      return path + " has no command " + argv[i] + "; it has " + names + "; see " + path +
             " --help";
    }
    command = found;
    path += " " + command->get_name();
  }
  return std::string{error.what()} + "; see " + path + " --help";
}

int run(int argc, char** argv) {
  CLI::App app{kDescription, "sluice"};
  app.footer(kFooter);
  app.set_version_flag("--version", std::string{"sluice " SLUICE_VERSION});
  app.require_subcommand(1);
  PushOptions push;
  PullOptions pull;
  TicketOptions ticket;
  CtlOptions ctl;
  RoomOptions room;
  const CLI::App* push_command = add_push(app, push);
  const CLI::App* pull_command = add_pull(app, pull);
  const CLI::App* ticket_command = add_ticket(app, ticket);
  const CLI::App* room_command = add_room(app, room);
  add_ctl(app, ctl);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "sluice: %s\n", explain(app, argc, argv, error).c_str());
    return static_cast<int>(ExitCode::kBadInput);
  }
  crypto::init_crypto();
  // A reader that goes away is an answer to a write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  if (push_command->parsed()) return static_cast<int>(run_push(push));
  if (pull_command->parsed()) return static_cast<int>(run_pull(pull));
  if (ticket_command->parsed()) return static_cast<int>(run_ticket(ticket));
  if (room_command->parsed()) return static_cast<int>(run_room(room));
  return static_cast<int>(run_ctl(ctl));
}

}  // namespace
}  // namespace sluice::client

int main(int argc, char** argv) { return sluice::client::run(argc, argv); }
