// Joiner: how push and pull come to a relay: by a sluice:// URL and a ticket, or (--rooms) as a
// member of a room at a room service, whose heart beats here meanwhile and who finds back when the
// relay went away. What blocks runs the loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/cli/join.h"
#include "client/cli/options.h"
#include "client/rooms/room_session.h"
#include "net/callback.h"
#include "net/loop.h"

namespace sluice::client {

/// The session of a program with this service: logged in. Errors: those of the login.
Result<std::unique_ptr<RoomSession>, Error> open_room_session(
    net::Loop& loop, const RoomsOptions& options, const std::string& user,
    net::Callback<const RoomEvent&> on_event);

class Joiner {
 public:
  /// `on_lost` is told that the room's relay is another one by now: the link leads nowhere.
  Joiner(net::Loop& loop, const JoinOptions& options, crypto::Rights rights,
         net::Callback<const Error&> on_lost);

  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  /// What was asked for makes sense.
  Status<Error> open();

  /// Room and stream; the stream of a push may be known after prepare() only.
  const StreamUrl& url() const { return url_; }

  /// Everything for a connection but the first commands; enters the room, also again.
  Result<ClientLink::Config, Error> prepare();

  /// True for a member of a room whose link was lost less than half a minute ago: call
  /// prepare() again. It then waits for the service and its relay.
  bool comes_back(const std::optional<Error>& error);

  /// Whether comes_back() could ever be true: for who has to prepare for that.
  bool may_come_back() const { return session_ != nullptr; }

  /// The relay took us.
  void note_joined() { lost_at_ = kNever; }

  /// How often the connection has moved: its path is in doubt when that grows, so the service is
  /// asked whether the relay is still the same.
  void note_moves(std::uint64_t moves);

  /// A signal: prepare() gives up.
  void interrupt() { interrupted_ = true; }

  /// Out of the room, if we came in; a service that does not answer finds out by itself.
  void leave();

 private:
  RoomRole role() const { return pushes_ ? RoomRole::kPusher : RoomRole::kViewer; }

  Status<Error> open_room();
  Result<RoomEntry, Error> enter();
  Result<RoomEntry, Error> enter_patiently();
  Result<ClientLink::Config, Error> config_of(const RoomEntry& entry);
  void handle_event(const RoomEvent& event);
  void handle_look();

  /// Between two questions for a relay that is not there yet.
  static constexpr Duration kAskAgain = std::chrono::milliseconds{100};
  /// A relay that was restarted by its service manager is back long before.
  static constexpr Duration kComeBackWithin = std::chrono::seconds{30};

  net::Loop& loop_;
  const JoinOptions& options_;
  crypto::Rights rights_;
  bool pushes_;
  net::Callback<const Error&> on_lost_;
  StreamUrl url_;
  bool stream_given_ = true;
  std::unique_ptr<RoomSession> session_;
  bool came_in_ = false;
  Instant lost_at_ = kNever;  // kNever: all is well
  bool interrupted_ = false;
  bool told_silence_ = false;
  std::string relay_key_;
  std::uint64_t moves_ = 0;
  Instant look_until_ = kLongAgo;
  net::Timer look_;
};

}  // namespace sluice::client
