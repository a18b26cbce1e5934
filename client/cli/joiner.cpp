#include "client/cli/joiner.h"

#include <cstdio>
#include <utility>

namespace sluice::client {
namespace {

/// Half of what the service reads of a request's headers.
constexpr std::size_t kSecretBytesMax = 4096;

/// A token or password is a file's first line, never on the command line, which others can read.
Result<std::string, Error> read_secret(const std::string& path, const char* what) {
  std::string secret;
  std::FILE* const file = path == "-" ? stdin : std::fopen(path.c_str(), "re");
  int c = EOF;
  while (file != nullptr && secret.size() < kSecretBytesMax && (c = std::fgetc(file)) >= ' ') {
    secret += static_cast<char>(c);
  }
  if (file != nullptr && file != stdin) std::fclose(file);
  if (!secret.empty()) return secret;
  return fail(ExitCode::kBadInput, path + ": no " + what + " in its first line");
}

}  // namespace

Result<std::unique_ptr<RoomSession>, Error> open_room_session(
    net::Loop& loop, const RoomsOptions& options, const std::string& user,
    net::Callback<const RoomEvent&> on_event) {
  RoomClient::Config config;
  config.user = user;
  if (!user.empty() && !UserName::parse(user)) {
    return fail(ExitCode::kBadInput, user + ": a user is 1 to 48 letters, digits, _ or -");
  }
  if (!options.token_file.empty()) {
    auto token = read_secret(options.token_file, "token");
    if (!token) return Unexpected{token.error()};
    config.token = std::move(*token);
  }
  if (!options.password_file.empty()) {
    auto password = read_secret(options.password_file, "password");
    if (!password) return Unexpected{password.error()};
    config.password = std::move(*password);
  }
  auto url = parse_room_url(options.url);
  if (!url) return Unexpected{url.error()};
  auto session = std::make_unique<RoomSession>(loop, std::move(*url), std::move(config), on_event);
  session->client().login();
  RoomEvent answer = session->await(RoomCall::kLogin);
  if (!answer.error) return session;
  if (answer.code == "forbidden") {
    answer.error->message +=
        " (a service for guests lets nobody choose --user; others want --token-file)";
  }
  return Unexpected{*answer.error};
}

Joiner::Joiner(net::Loop& loop, const JoinOptions& options, crypto::Rights rights,
               net::Callback<const Error&> on_lost)
    : loop_(loop),
      options_(options),
      rights_(rights),
      pushes_(rights == crypto::kPushRights),
      on_lost_(on_lost),
      look_(loop, net::Callback<>::to<&Joiner::handle_look>(this)) {}

Status<Error> Joiner::open() {
  if (!options_.rooms.url.empty()) return open_room();
  if (!options_.rooms.token_file.empty() || !options_.rooms.password_file.empty()) {
    return fail(ExitCode::kBadInput,
                "--token-file and --password-file are for a room service: give --rooms");
  }
  auto url = parse_url(options_.url);
  if (!url) return Unexpected{url.error()};
  url_ = std::move(*url);
  return Done{};
}

Status<Error> Joiner::open_room() {
  if (!options_.ticket_file.empty() || !options_.control.empty()) {
    return fail(ExitCode::kBadInput, "--rooms gives the ticket: no --ticket-file, no --control");
  }
  const std::size_t slash = options_.url.find('/');
  stream_given_ = slash != std::string::npos;
  const auto room = RoomName::parse(std::string_view{options_.url}.substr(0, slash));
  const auto stream =
      StreamName::parse(stream_given_ ? std::string_view{options_.url}.substr(slash + 1) : "main");
  if (!room || !stream || (!pushes_ && !stream_given_)) {
    return fail(ExitCode::kBadInput, options_.url + ": with --rooms this is " +
                                         (pushes_ ? "ROOM or ROOM/NAME" : "ROOM/NAME") +
                                         ", each of letters, digits, _ or -");
  }
  url_.room = *room;
  url_.stream = *stream;
  return Done{};
}

Result<ClientLink::Config, Error> Joiner::prepare() {
  if (options_.rooms.url.empty()) return prepare_join(loop_, options_, url_, rights_);
  if (!session_) {
    const bool named =
        options_.user.empty() && pushes_ && stream_given_ && options_.rooms.token_file.empty();
    auto session = open_room_session(
        loop_, options_.rooms, named ? std::string{url_.stream.view()} : options_.user,
        net::Callback<const RoomEvent&>::to<&Joiner::handle_event>(this));
    if (!session) return Unexpected{session.error()};
    session_ = std::move(*session);
  }
  look_.cancel();
  const auto entry = lost_at_ != kNever ? enter_patiently() : enter();
  if (!entry) return Unexpected{entry.error()};
  return config_of(*entry);
}

Result<RoomEntry, Error> Joiner::enter() {
  RoomClient& client = session_->client();
  client.enter_room(url_.room, role());
  RoomEvent answer = session_->await(RoomCall::kEnterRoom);
  if (answer.code == "room_unknown" && pushes_) {
    client.create_room(url_.room, "multi", "");
    const RoomEvent made = session_->await(RoomCall::kCreateRoom);
    if (made.error && made.code != "room_exists") return Unexpected{*made.error};
    client.enter_room(url_.room, role());
    answer = session_->await(RoomCall::kEnterRoom);
  }
  if (answer.error) return Unexpected{*answer.error};
  return std::get<RoomEntry>(answer.result);
}

Result<RoomEntry, Error> Joiner::enter_patiently() {
  const Instant until = lost_at_ + kComeBackWithin;
  loop_.refresh_now();
  for (;;) {
    auto entry = enter();
    const bool transient =
        entry ? entry->ticket.empty() : entry.error().code == ExitCode::kUnreachable;
    if (!transient || interrupted_ || loop_.now() >= until) return entry;
    bool due = false;
    net::Timer pause{loop_, net::Callback<>::to<&net::Loop::stop>(&loop_)};
    const Instant at = loop_.now() + kAskAgain;
    pause.arm(at);
    while (!due) {
      loop_.run_once();
      due = loop_.refresh_now() >= at;
    }
  }
}

Result<ClientLink::Config, Error> Joiner::config_of(const RoomEntry& entry) {
  came_in_ = came_in_ || entry.came_in;
  relay_key_ = entry.relay_key;
  if (entry.ticket.empty()) {
    return fail(ExitCode::kUnreachable, "room service " + options_.rooms.url +
                                            ": no relay is attached to it; is one running?");
  }
  if (!stream_given_) {
    if (const auto named = StreamName::parse(entry.user)) url_.stream = *named;
  }
  auto credentials = credentials_from_json(entry.ticket, options_.rooms.url);
  if (!credentials) return Unexpected{credentials.error()};
  const auto relay = relay_address(
      *credentials, "", 0, options_.address.empty() ? credentials->address : options_.address);
  if (!relay) return Unexpected{relay.error()};
  ClientLink::Config config;
  config.credentials = std::move(credentials->secrets);
  config.relay = *relay;
  config.random = crypto::system_random();
  return config;
}

bool Joiner::comes_back(const std::optional<Error>& error) {
  moves_ = 0;
  if (!session_ || !error || error->code != ExitCode::kUnreachable || interrupted_) return false;
  const Instant now = loop_.refresh_now();
  if (lost_at_ == kNever) lost_at_ = now;
  return now < lost_at_ + kComeBackWithin;
}

void Joiner::note_moves(std::uint64_t moves) {
  if (!session_ || moves <= std::exchange(moves_, moves)) return;
  look_until_ = loop_.now() + kComeBackWithin;
  if (!look_.armed()) handle_look();
}

void Joiner::handle_look() {
  session_->client().enter_room(url_.room, role());
  session_->go();
}

/// What nobody awaits: looks after the relay, and heartbeats that failed.
void Joiner::handle_event(const RoomEvent& event) {
  if (event.call == RoomCall::kHeartbeat && !std::exchange(told_silence_, true)) {
    print_on_stderr("sluice: " + event.error->message + "; media goes on\n");
  }
  if (event.call != RoomCall::kEnterRoom) return;
  const auto* const entry = std::get_if<RoomEntry>(&event.result);
  const bool there = entry != nullptr && !entry->ticket.empty();
  if (there && entry->relay_key != relay_key_) {
    return on_lost_(Error{ExitCode::kUnreachable, "the room's relay is another one by now"});
  }
  if (!there && loop_.now() < look_until_) look_.arm_in(kAskAgain);
}

void Joiner::leave() {
  look_.cancel();
  if (!session_ || !(came_in_ || pushes_) || session_->client().user().empty()) return;
  session_->client().exit_room(url_.room);
  static_cast<void>(session_->await(RoomCall::kExitRoom));
}

}  // namespace sluice::client
