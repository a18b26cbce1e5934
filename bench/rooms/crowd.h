// Crowd: rooms and their members as the seed's clients fill them, each member with its token and
// what its calls need: the questions they ask, and what the answers told. No connections; a room is
// entered by one JoinScript, question after question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/rooms/http_answer.h"
#include "proto/base/time.h"

namespace sluice::bench {

struct CrowdMember {
  std::string user, token;
  std::string im_query;  // of the message service; empty: not logged in there
  std::string poll_key;
  std::uint64_t poll_from = 0;
  std::size_t room = 0;
};

struct CrowdRoom {
  bool live = false;   // else multi; in a live room all but the first only watch
  bool talks = false;  // all members listen at the message service, else the first alone
  std::string id;
  std::vector<std::size_t> members;  // the first one makes the room
};

class Crowd {
 public:
  /// Adds a room with this many members; returns its number.
  std::size_t add_room(std::size_t members, bool live, bool talks);

  std::vector<CrowdRoom>& rooms() { return rooms_; }

  std::vector<CrowdMember>& members() { return members_; }

  client::HttpQuestion heartbeat(std::size_t member) const;
  client::HttpQuestion pushers(std::size_t member) const;
  client::HttpQuestion room_list(std::size_t member) const;
  client::HttpQuestion message(std::size_t member) const;
  client::HttpQuestion poll(std::size_t member) const;

  /// The member says other things of himself, of which the room hears by a notice.
  client::HttpQuestion change(std::size_t member, const std::string& push_url) const;

  /// A question of /weapp with the member's token.
  client::HttpQuestion ask(std::size_t member, const std::string& call,
                           const std::string& body) const;

 private:
  std::string folder(std::size_t member) const;

  std::vector<CrowdRoom> rooms_;
  std::vector<CrowdMember> members_;
};

/// Whether the service took a call: 200, and code or ErrorCode 0.
bool taken(const client::HttpAnswer& answer);

/// Takes one room's members in, one after the other.
class JoinScript {
 public:
  JoinScript(Crowd& crowd, std::size_t room) : crowd_(crowd), room_(room) {}

  /// Nothing: all are in.
  std::optional<client::HttpQuestion> next();

  /// False: the service refused; `answer` says why.
  bool take(const client::HttpAnswer& answer);

  /// The creator's, as add_pusher had it.
  const std::string& push_url() const { return creator_url_; }

 private:
  enum class Step : std::uint8_t {
    kLoginInfo,
    kLogin,
    kCreate,
    kPushUrl,
    kAddPusher,
    kImLogin,
    kJoinGroup,
    kDone,
  };

  CrowdMember& member() { return crowd_.members()[crowd_.rooms()[room_].members[at_]]; }

  bool wanted(Step step) const;
  void advance();

  Crowd& crowd_;
  std::size_t room_;
  std::size_t at_ = 0;  // of the room's members
  Step step_ = Step::kLoginInfo;
  std::string app_query_, user_sig_, push_url_, creator_url_;
};

}  // namespace sluice::bench
