// RoomSession: a RoomClient on a loop: carries its questions to the service's URL, one connection
// each, and keeps its timer. Nothing of it blocks but await(), for programs that do one thing after
// the other.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/error.h"
#include "client/rooms/room_client.h"
#include "net/callback.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

namespace sluice::client {

/// http://HOST[:PORT], or the same with https.
struct RoomUrl {
  std::string host;  // HOST:PORT, as the Host field has it
  Address address;
  std::string name{};                    // HOST, which the server's certificate must be for
  std::optional<net::TlsContext> tls{};  // of https
};

/// Blocks on the resolver. Errors: kBadInput, kUnreachable, kEnvironment (no TLS here).
Result<RoomUrl, Error> parse_room_url(const std::string& url);

class RoomSession {
 public:
  /// `on_event` has each event of the client but those that await() returned.
  RoomSession(net::Loop& loop, RoomUrl url, RoomClient::Config config,
              net::Callback<const RoomEvent&> on_event);

  RoomSession(const RoomSession&) = delete;
  RoomSession& operator=(const RoomSession&) = delete;

  RoomClient& client() { return client_; }

  const RoomUrl& url() const { return url_; }

  /// After calls on the client: sends what they ask for.
  void go();

  /// Runs the loop until this call is answered.
  RoomEvent await(RoomCall call);

 private:
  void ask(const HttpQuestion& question);
  void handle_open();
  void handle_bytes(Bytes bytes);
  void handle_closed(net::CloseReason reason);
  void handle_due();
  void finish(HttpAnswerReader::State state);
  void fail_question(const std::string& why);

  /// The service answers at once or is in trouble.
  static constexpr Duration kAnswerDeadline = std::chrono::seconds{5};

  net::Loop& loop_;
  RoomUrl url_;
  RoomClient client_;
  net::Callback<const RoomEvent&> on_event_;
  std::optional<RoomCall> awaited_;
  std::optional<RoomEvent> answered_;
  std::string request_;
  HttpAnswerReader reader_;
  Instant give_up_at_ = kNever;
  std::unique_ptr<net::ByteStream> connection_;
  net::Timer timer_;
};

}  // namespace sluice::client
