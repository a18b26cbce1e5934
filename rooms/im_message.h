// The message service's JSON: what a client may say to others, and the items and answers that go
// out. What one member says is parsed by all others' clients, which end their polls over a text
// they do not understand: so nothing is passed on that they would not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "proto/base/time.h"
#include "rooms/api.h"
#include "rooms/im_mailbox.h"
#include "rooms/said_message.h"

namespace sluice::rooms {

/// `ErrorCode` of an answer. docs/API.md has their meaning.
enum class ImError : std::int32_t {
  kOk = 0,
  kUnknownPath = 404,
  kBadParameter = 10004,
  kNotAllowed = 10007,
  kNoGroup = 10010,
  kMuted = 10017,
  kGroupTaken = 10021,
  kNobody = 20003,
  kNothingCame = 60008,
  kTooMany = 60010,
  kExpired = 70001,
  kNotLoggedIn = 70005,
  kBadUserSig = 70009,
  kTooLong = 80002,
  kLoggedInElsewhere = 91101,
};

/// Of a message's elements as JSON; the seed's.
inline constexpr std::size_t kGroupMessageBytesMax = 8898;
inline constexpr std::size_t kUserMessageBytesMax = 12'000;

/// Elements of one message: an emotion splits a text in three.
inline constexpr std::size_t kMessageElementsMax = 500;

/// Whether the original clients understand it: first a custom element whose Data is
/// {"cmd":..,"data":{..}} and ends there (or a drawing), then texts, emotions or more custom
/// elements.
bool is_message_body(const nlohmann::json& body);

/// What a body of the original clients says, without its room and user: a text, or a command;
/// nothing for a drawing and other clients' own.
std::optional<SaidMessage> message_of(const nlohmann::json& body);

/// The body that the original clients would make of it. Where is_message_body() refuses it, they
/// have none.
nlohmann::json body_of(const SaidMessage& said);

struct Said {
  UserId from;
  std::string nick;
  std::uint64_t sequence = 0, random = 0;  // the sender's own
  const nlohmann::json& body;
};

/// Items; the mailbox's number is put in by poll_answer_json().
std::string group_item(const RoomId& group, const Said& said, UnixSeconds at);
std::string user_item(const UserId& to, const Said& said, UnixSeconds at);

/// "Ask who pushes now."
std::string pushers_changed_item(const RoomId& group, UnixSeconds at);
std::string dissolved_item(const RoomId& group, UnixSeconds at);

std::string poll_answer_json(const PollAnswer& answer);

Json im_answer(ImError error, std::string_view text);
Json im_ok();

}  // namespace sluice::rooms
