// Credentials: what a client needs to join (P-TICKET-03), and where it gets them: a ticket as
// `sluice ticket` or a room service prints it (JSON, from a file or stdin, never from the command
// line, which others can read), or a fresh one from the control socket of a relay on this machine.
// That socket is named, or found through the dev.json that `sluice-relay --dev` leaves behind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "net/loop.h"
#include "proto/base/address.h"
#include "proto/base/name.h"
#include "proto/base/random.h"
#include "proto/crypto/client_handshake.h"
#include "proto/crypto/ticket.h"
#include "proto/schema/messages.h"

namespace sluice::client {

struct Credentials {
  std::string address;  // under which clients reach the relay
  crypto::ClientCredentials secrets;
  std::string room;  // that it is for; empty: not told
};

struct TicketWish {
  RoomName room;
  UserName user;
  crypto::Rights rights;
  std::uint32_t valid_s = 60;
  InstanceId instance{};  // zero: the relay draws one
};

/// The JSON of a ticket: room and user it is for, address, relay_key, ticket, psk (hex) and expiry
/// (Unix seconds).
std::string ticket_as_json(const schema::IssuedTicket& ticket, const TicketWish& wish);

/// Its inverse; unknown keys are ignored. Errors (kBadInput) call the text `name`.
Result<Credentials, Error> credentials_from_json(std::string_view json, const std::string& name);

/// The same from a file, or from stdin when `path` is "-".
Result<Credentials, Error> credentials_from_file(const std::string& path);

/// Asks the relay behind the control socket at `path`. Errors: those of ControlClient.
Result<schema::IssuedTicket, Error> ask_for_ticket(net::Loop& loop, const std::string& path,
                                                   const TicketWish& wish);

/// The same as credentials.
Result<Credentials, Error> credentials_of(const schema::IssuedTicket& ticket);

/// Finds an environment variable; nullptr when it is not set. std::getenv in the programs.
using Environment = const char* (*)(const char* name);

/// Where `sluice-relay --dev` of this user leaves word.
std::string dev_file_path(Environment environment);

/// The control socket that the file at `path` names. Errors: kUnreachable when there is no such
/// file, kEnvironment when it could have been written by another user.
Result<std::string, Error> control_path_of_dev_file(const std::string& path);

/// "push,subscribe" and the like: push-audio, push-video, push-data, push (all three), subscribe,
/// control, record, hidden, all. Nothing for an unknown word or no word.
std::optional<crypto::Rights> parse_rights(std::string_view text);

/// "user-" and eight random letters: a name for who gave none.
UserName random_user_name(RandomSource random);

/// Where to send: `override_with` ("HOST:PORT") when given, else `host` with `port`, or with the
/// port of the credentials' address when that is 0. Of several addresses of a name the one that the
/// credentials have is taken, else the first. Blocks on the resolver.
Result<Address, Error> relay_address(const Credentials& credentials, const std::string& host,
                                     std::uint16_t port, const std::string& override_with);

}  // namespace sluice::client
