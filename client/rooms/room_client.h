// RoomClient: a member of rooms at a room service, by the clean API (docs/API.md): login, rooms,
// entering with all that a relay asks for, heartbeats, leaving. The calls bear the names of the
// seed's client. Sans-I/O: questions out, answers in, deadlines; who carries them over HTTP is
// room_session.h, or any HTTP client of the platform.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/error.h"
#include "client/rooms/http_answer.h"
#include "proto/base/name.h"
#include "proto/base/time.h"

namespace sluice::client {

enum class RoomCall : std::uint8_t {
  kLogin,
  kCreateRoom,
  kRoomList,
  kEnterRoom,
  kExitRoom,
  kPushers,
  kKick,
  kDestroyRoom,
  kSendText,
  kHeartbeat,  // told of only when it failed
};

struct ListedRoom {
  std::string room, type, info, creator;
  bool locked = false, has_password = false;
  std::uint64_t members = 0;
};

struct RoomMember {
  std::string user, name, role;
};

struct RoomEntry {
  ListedRoom room;
  std::string user;
  bool came_in = false;  // false: was in already
  /// A ticket file's JSON (credentials_from_json); empty while the service has no relay.
  std::string ticket;
  std::string relay_key;  // as in the ticket: another one is another relay, or one begun anew
};

struct RoomEvent {
  RoomCall call = RoomCall::kLogin;
  std::optional<Error> error;
  std::string code;  // of an error that the service answered
  std::variant<std::monostate, ListedRoom, std::vector<ListedRoom>, RoomEntry,
               std::vector<RoomMember>>
      result;
};

enum class RoomRole : std::uint8_t { kPusher, kViewer };

class RoomClient {
 public:
  struct Config {
    std::string token;          // of the application; empty: login() asks for a guest's
    std::string user;           // a guest's wish; empty: the service chooses
    std::string password = {};  // of the room that we make or enter; empty: it has none
  };

  /// How much later a heartbeat that nobody answered is tried again.
  static constexpr Duration kBeatAgain = std::chrono::seconds{1};

  explicit RoomClient(Config config) : config_(std::move(config)) {}

  // Each is answered by one event, in the order of the calls.
  void login();
  void create_room(const RoomName& room, std::string_view type, const std::string& info);
  void room_list();
  void enter_room(const RoomName& room, RoomRole role);
  /// Ends the heartbeats, whatever the answer is.
  void exit_room(const RoomName& room);
  void pushers(const RoomName& room);
  void kick(const RoomName& room, const UserName& user);
  void destroy_room(const RoomName& room);
  void send_room_text_msg(const RoomName& room, const std::string& text);

  /// The next question, once the one before was answered or failed.
  std::optional<HttpQuestion> poll_question();

  void handle_answer(Instant now, const HttpAnswer& answer);

  /// There will be no answer.
  void handle_failure(Instant now, const std::string& why);

  std::optional<RoomEvent> poll_event();

  /// When a heartbeat is due.
  Instant next_deadline() const { return beat_at_; }

  void handle_timeout(Instant now);

  /// Known after login(), or after entering with an application's token.
  const std::string& user() const { return config_.user; }

  /// Known after login().
  const std::string& token() const { return config_.token; }

 private:
  struct Pending {
    RoomCall call = RoomCall::kLogin;
    HttpQuestion question;
    std::string room;
  };

  void ask(RoomCall call, HttpQuestion question, const std::string& room = {});
  RoomEvent read(Instant now, const Pending& asked, const HttpAnswer& answer);
  void take_entry(Instant now, const Pending& asked, const HttpAnswer& answer, RoomEvent& event);

  Config config_;
  std::deque<Pending> waiting_;
  std::optional<Pending> asked_;
  std::deque<RoomEvent> events_;
  std::string room_;  // where our heart beats; empty: nowhere
  Duration beat_every_{};
  Instant beat_at_ = kNever;
};

}  // namespace sluice::client
