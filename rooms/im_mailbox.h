// ImMailbox: what the message service remembers: logins of users (sessions), groups of listeners
// (one a room), messages on their way, and the polls that wait for them. Sans-I/O: time is an
// argument; answers to polls are polled. It knows nothing of JSON: an item is a text that a later
// layer gives its number. All of it is bounded, and nothing of it survives a restart: a session
// that comes back is made anew, and goes on where its poll says.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/http.h"
#include "proto/base/time.h"
#include "rooms/room.h"

namespace sluice::rooms {

/// The seed's clients end a request after 60 s, and ask anew as soon as it is answered: 25 s would
/// double the calls of a quiet room, 55 s leave no time for a slow network.
inline constexpr Duration kPollHold = std::chrono::seconds{50};

/// A poll whose place a second one took is answered when it is this old: answered at once, two
/// chains of polls would chase each other as fast as the network lets them.
inline constexpr Duration kPollPushedOut = std::chrono::seconds{1};

/// Who is not heard of for so long has gone: one poll held, and one lost.
inline constexpr Duration kSessionTimeout = std::chrono::seconds{120};

/// How long a message waits for listeners that are between two polls; they come back in
/// milliseconds, or after a lost connection in some seconds.
inline constexpr Duration kMessageKept = std::chrono::seconds{60};

/// Devices of one user.
inline constexpr std::size_t kSessionsPerUser = 4;

/// Of one session: one for itself and one a room; the rest is for those pushed out.
inline constexpr std::size_t kPollsPerSession = 8;
inline constexpr std::size_t kGroupsPerSession = 4;

/// Groups it was in before: a late poll for one of them is no sign that it still is.
inline constexpr std::size_t kGroupsLeft = 8;

/// Messages to one session, or of one group, that wait.
inline constexpr std::size_t kMessagesKept = 100;

/// Bytes of them in all: a flood of the longest messages in 1,000 rooms at once.
inline constexpr std::size_t kMessageBytesMax = 64U << 20U;

/// Tells logins of one user apart: digits that the service chose.
using SessionId = Name<20>;

struct MailboxLimits {
  std::uint64_t polls = 3072;
  std::uint64_t sessions = 65'536;
};

/// Goes out to the poll of this id.
struct PollAnswer {
  enum class Kind : std::uint8_t { kGroup, kUser, kPushedOff };  // the last: logged in elsewhere

  net::HttpRequestId id{};
  Kind kind = Kind::kGroup;
  std::string key;                  // as the poll had it
  std::uint64_t number = 0;         // of the item; of a group poll without: the next one's
  std::optional<std::string> item;  // none: nothing came
};

class ImMailbox {
 public:
  explicit ImMailbox(const MailboxLimits& limits) : limits_(limits) {}

  /// Names a session for the other calls; an end may come by any of them.
  enum class Session : std::uint64_t {};

  /// The user's session of this id, made where there is none; nothing when there are too many of
  /// them all. Of too many of one user the one that was silent longest goes, but for no `poll`: two
  /// clients that only poll would push each other off for ever.
  std::optional<Session> session(Instant now, const UserId& user, const SessionId& id, bool poll);
  void end(Session session);

  const SessionId& id(Session session) const { return sessions_.at(session).id; }

  /// What is shown as the sender's name; empty: his id.
  void set_nick(Session session, std::string nick);
  std::string nick(Session session) const;

  /// Messages from here on. Answers the polls for groups that the session has open: a late answer
  /// would have its client poll the old group for ever. `numbers_from` is of a new group's numbers,
  /// above all that one of the same name had.
  void join(const RoomId& group, Session session, std::uint64_t numbers_from);

  /// As join(), for a session that was in before a restart and polls on.
  void rejoin(const RoomId& group, Session session, std::uint64_t numbers_from);
  void quit(const RoomId& group, Session session);
  bool joined(const RoomId& group, Session session) const;

  /// Whether it was in the group and knows that it is no longer.
  bool left(const RoomId& group, Session session) const;
  std::vector<RoomId> groups(Session session) const;
  std::size_t listeners(const RoomId& group) const;

  /// To all listeners. False when too much waits already.
  bool post(Instant now, const RoomId& group, std::string item);

  /// As post(); one that no other message follows takes the place of the one before.
  void post_notice(Instant now, const RoomId& group, std::string item);

  /// The group ends, and its listeners hear `item`, those between two polls by their next one.
  void dissolve(Instant now, const RoomId& group, const std::string& item);

  /// As if it had just ended, for one session alone.
  void put_out(Instant now, const RoomId& group, Session session, const std::string& item);
  void put_out(Instant now, const RoomId& group, const UserId& user, const std::string& item);

  enum class Sent : std::uint8_t { kSent, kNobody, kFull };

  /// To every session of a user.
  Sent send(const UserId& to, const std::string& item);

  struct GroupPoll {
    net::HttpRequestId id{};
    RoomId group;
    std::uint64_t from = 0;  // the first number that is wanted
    std::string key;
    Duration hold = kPollHold;
  };

  struct UserPoll {
    net::HttpRequestId id{};
    std::uint64_t heard = 0;  // the last number that came
    Duration hold = kPollHold;
  };

  /// False: too many wait, and this one does not. Else its answer comes, now or later.
  bool poll_group(Instant now, Session session, GroupPoll poll);
  bool poll_user(Instant now, Session session, const UserPoll& poll);

  /// Its client has gone; what it would have told waits for the next poll.
  void forget_poll(net::HttpRequestId id);

  std::vector<PollAnswer> take_answers() { return std::exchange(answers_, {}); }

  void handle_timeout(Instant now);
  Instant next_deadline() const;

  std::size_t session_count() const { return sessions_.size(); }

  std::size_t poll_count() const { return polls_.size(); }

  std::size_t message_bytes() const { return message_bytes_; }

 private:
  struct Message {
    std::uint64_t number = 0;
    Instant at{};
    bool notice = false;
    std::string item;
  };

  struct Group {
    std::uint64_t next = 0;
    std::vector<Message> messages;
    std::set<Session> listeners;
  };

  struct Member {
    RoomId group;
    std::uint64_t from = 0;
  };

  /// A group that ended while nobody was polling.
  struct Owed {
    RoomId group;
    std::string item;
    Instant until{};
  };

  struct State {
    UserId user;
    SessionId id;
    std::string nick;
    Instant seen{};
    std::vector<Member> groups;
    std::vector<RoomId> left;
    std::vector<Owed> owed;
    std::vector<net::HttpRequestId> polls;
    std::vector<Message> inbox;
    std::uint64_t next = 1;
    std::uint64_t told = 0;  // the last number that an answer had
    bool confirms = false;   // its polls say what they heard
  };

  struct Poll {
    Session session{};
    bool for_user = false;
    bool pushed_out = false;
    RoomId group;
    std::uint64_t from = 0;
    std::string key;
    Instant began{}, due{};
  };

  bool wait(Instant now, net::HttpRequestId id, Poll poll, Duration hold);
  void push_out_older(Instant now, const Poll& newer);
  void answer(net::HttpRequestId id, PollAnswer::Kind kind, std::uint64_t number,
              std::optional<std::string> item);
  void answer_group_polls(State& state);
  net::HttpRequestId* find_poll(State& state, bool for_user, const RoomId& group);
  Group& group_of(const RoomId& group, std::uint64_t numbers_from);
  void append(Group& group, Message message);
  void drop_front(std::vector<Message>& messages);
  void tell_listeners(const RoomId& name, Group& group);
  void tell_inbox(State& state);
  void owe(Instant now, State& state, const RoomId& group, const std::string& item);
  void leave_group(const RoomId& group, Session session);
  void forget_group(State& state, const RoomId& group);
  void end(Session session, PollAnswer::Kind last_answer);
  Session oldest_of(const std::vector<Session>& sessions) const;
  void sweep(Instant now);

  MailboxLimits limits_;
  std::unordered_map<Session, State> sessions_;
  std::unordered_map<UserId, std::vector<Session>> by_user_;
  std::unordered_map<RoomId, Group> groups_;
  std::unordered_map<net::HttpRequestId, Poll> polls_;
  std::set<std::pair<Instant, net::HttpRequestId>> due_;
  std::vector<PollAnswer> answers_;
  std::uint64_t last_session_ = 0;
  std::size_t message_bytes_ = 0;
  Instant next_sweep_{};
};

}  // namespace sluice::rooms
