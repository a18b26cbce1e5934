// What the command line of `sluice` can say, one struct a command, filled in by main.cpp. The
// commands know nothing of how it was parsed. Each run_* prints errors as one line on stderr and
// returns the program's exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/error.h"

namespace sluice::client {

/// A room service, and who we are there.
struct RoomsOptions {
  std::string url;            // http://HOST:PORT; empty: none
  std::string token_file;     // of an application's token, "-": stdin; empty: as a guest
  std::string password_file;  // of the room's password, likewise; empty: it has none
};

/// How push and pull get into a room, and what both report.
struct JoinOptions {
  std::string url;
  std::string address;      // HOST:PORT to send to instead of the URL's
  std::string control;      // control socket to get a ticket from
  std::string ticket_file;  // or the ticket itself, "-": stdin
  std::string user;
  std::optional<double> seconds;
  RoomsOptions rooms;  // with it `url` is ROOM or ROOM/NAME
  std::string stats;   // file for the statistics, "-": stdout
};

struct PushOptions {
  JoinOptions join;
  std::string file;                     // empty: renditions
  std::vector<std::string> renditions;  // NAME=FILE, the best first
  bool loop = false;
  bool no_pace = false;
  bool stamp = false;
};

struct PullOptions {
  JoinOptions join;
  std::string output;  // empty: frames are counted and thrown away
  bool live = false;
  std::optional<std::uint32_t> delay_ms;                    // fixed
  std::optional<std::uint32_t> delay_min_ms, delay_max_ms;  // of the one that live mode chooses
  std::uint32_t video_kbit_max = 0;                         // 0: what fits
  std::uint32_t priority = 0;
};

struct TicketOptions {
  std::string control, room, user, rights;
  std::uint32_t valid_s = 60;
};

struct CtlOptions {
  enum class Command : std::uint8_t { kRooms, kMembers, kKick, kDrain };

  Command command = Command::kRooms;
  std::string control, room, user;
  double deadline_s = 30;
};

struct RoomOptions {
  enum class Command : std::uint8_t {
    kCreate,
    kList,
    kMembers,
    kEnter,
    kExit,
    kSay,
    kWatch,
    kKick,
    kDestroy,
  };

  Command command = Command::kList;
  RoomsOptions rooms;
  std::string user, room, type = "multi", info;
  std::string target;    // who is kicked
  std::string text;      // what is said
  bool json = false;     // events as they came
  bool watches = false;  // enters as a viewer
};

ExitCode run_push(const PushOptions& options);
ExitCode run_pull(const PullOptions& options);
ExitCode run_ticket(const TicketOptions& options);
ExitCode run_ctl(const CtlOptions& options);
ExitCode run_room(const RoomOptions& options);

}  // namespace sluice::client
