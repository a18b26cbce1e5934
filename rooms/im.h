// Im: the message service's endpoints as the seed's clients use them, request in, response out, in
// one table of routes: login, profile, groups (one a room), messages, and the polls by which
// clients hear of them, which are answered later. Sans-I/O: time is an argument, late answers are
// polled. docs/API.md is the reference, and a test holds it against the table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/http.h"
#include "proto/base/random.h"
#include "rooms/accounts.h"
#include "rooms/api.h"
#include "rooms/im_mailbox.h"
#include "rooms/im_message.h"
#include "rooms/room_store.h"
#include "rooms/said_message.h"

namespace sluice::rooms {

/// A call that has passed the checks of its route.
struct ImCall {
  const net::HttpRequest& http;
  const nlohmann::json& body;  // an object
  Moment moment;
  UserId user{};                 // empty on routes without login
  ImMailbox::Session session{};  // likewise
  RoomId group{};                // what a poll's Key names
};

class Im {
 public:
  struct Context {
    RoomStore& store;
    Accounts& accounts;
    RandomSource random;
  };

  enum class Auth : std::uint8_t { kNone, kLogin, kPollKey };

  /// Nothing: the call is a poll that the mailbox has.
  using Handler = std::optional<Json> (Im::*)(const ImCall& call);

  struct Route {
    const char* path;
    Auth auth;
    Handler handler;
    bool polls = false;
  };

  struct Reply {
    std::optional<net::HttpResponse> response;  // nothing: it comes by take_answers()
    bool after_answers = false;                 // goes out when those of take_answers() have
  };

  struct Answer {
    net::HttpRequestId id{};
    net::HttpResponse response;
  };

  Im(const Context& context, std::string sdk_app_id, const MailboxLimits& limits);

  static std::span<const Route> routes();
  static const Route* find(std::string_view path);

  Reply handle(const net::HttpRequest& request, const Moment& moment);

  /// Tells the room's group, in the notices that the original clients know.
  void handle_event(const Event& event, const Moment& moment);

  /// Texts that were said here since the last call.
  std::vector<SaidMessage> take_said() { return std::exchange(said_, {}); }

  /// One that was said by the other API: the group hears it as the seed's clients say one. It is
  /// dropped where too much waits for its readers already.
  void tell(const SaidMessage& said, const Moment& moment);

  void handle_timeout(Instant now) { mailbox_.handle_timeout(now); }

  Instant next_deadline() const { return mailbox_.next_deadline(); }

  /// The client of an open request has gone.
  void forget_poll(net::HttpRequestId id) { mailbox_.forget_poll(id); }

  std::vector<Answer> take_answers();

  const ImMailbox& mailbox() const { return mailbox_; }

 private:
  std::optional<Json> call(const Route& route, const net::HttpRequest& request,
                           const Moment& moment);
  ImError authorize(const Route& route, const net::HttpRequest& request, ImCall& call);
  ImError authorize_login(const Route& route, const net::HttpRequest& request, ImCall& call);
  ImError authorize_poll(ImCall& call);
  ImError open_session(std::string_view id, bool poll, ImCall& call);
  void rejoin(const Room& room, const ImCall& call);
  std::string poll_key(const ImCall& call, const RoomId& group) const;
  SessionId new_session_id() const;
  const Room* room_of(const ImCall& call) const;
  static std::uint64_t numbers_from(const ImCall& call);
  static bool may_listen(const Room& room, const UserId& user);

  // im_calls.cpp
  std::optional<Json> login(const ImCall& call);
  std::optional<Json> logout(const ImCall& call);
  std::optional<Json> fine(const ImCall& call);
  std::optional<Json> auth_key(const ImCall& call);
  std::optional<Json> poll_id(const ImCall& call);
  std::optional<Json> get_profile(const ImCall& call);
  std::optional<Json> set_profile(const ImCall& call);
  std::optional<Json> joined_groups(const ImCall& call);
  std::optional<Json> create_group(const ImCall& call);
  std::optional<Json> destroy_group(const ImCall& call);
  std::optional<Json> group_info(const ImCall& call);
  std::optional<Json> join_group(const ImCall& call);
  std::optional<Json> quit_group(const ImCall& call);
  std::optional<Json> say_to_group(const ImCall& call);
  std::optional<Json> say_to_user(const ImCall& call);
  std::optional<Json> poll_group(const ImCall& call);
  std::optional<Json> poll_user(const ImCall& call);

  RoomStore& store_;
  Accounts& accounts_;
  RandomSource random_;
  std::string sdk_app_id_;
  ImMailbox mailbox_;
  std::vector<PollAnswer> answers_;
  std::vector<SaidMessage> said_;
};

}  // namespace sluice::rooms
