#include "rooms/im_mailbox.h"

#include <algorithm>

namespace sluice::rooms {
namespace {

/// How often old messages and silent sessions are looked for; both are about minutes.
constexpr Duration kSweep = std::chrono::seconds{5};

}  // namespace

std::optional<ImMailbox::Session> ImMailbox::session(Instant now, const UserId& user,
                                                     const SessionId& id, bool poll) {
  std::vector<Session>& own = by_user_[user];
  const auto at = std::find_if(own.begin(), own.end(),
                               [&](Session session) { return sessions_.at(session).id == id; });
  if (at != own.end()) {
    sessions_.at(*at).seen = now;
    return *at;
  }
  if (own.size() >= kSessionsPerUser) {
    if (poll) return std::nullopt;
    end(oldest_of(own), PollAnswer::Kind::kPushedOff);
  } else if (sessions_.size() >= limits_.sessions) {
    if (own.empty()) by_user_.erase(user);
    return std::nullopt;
  }
  const Session made{++last_session_};
  by_user_[user].push_back(made);
  State& state = sessions_[made];
  state.user = user;
  state.id = id;
  state.seen = now;
  return made;
}

ImMailbox::Session ImMailbox::oldest_of(const std::vector<Session>& sessions) const {
  return *std::min_element(sessions.begin(), sessions.end(), [&](Session a, Session b) {
    return sessions_.at(a).seen < sessions_.at(b).seen;
  });
}

void ImMailbox::end(Session session) { end(session, PollAnswer::Kind::kUser); }

void ImMailbox::end(Session session, PollAnswer::Kind last_answer) {
  const auto at = sessions_.find(session);
  if (at == sessions_.end()) return;
  State& state = at->second;
  const std::vector<net::HttpRequestId> polls = state.polls;
  for (const net::HttpRequestId id : polls) {
    const bool for_user = polls_.at(id).for_user;
    answer(id, for_user ? last_answer : PollAnswer::Kind::kGroup, polls_.at(id).from, {});
  }
  while (!state.groups.empty()) leave_group(state.groups.back().group, session);
  while (!state.inbox.empty()) drop_front(state.inbox);
  std::vector<Session>& own = by_user_[state.user];
  std::erase(own, session);
  if (own.empty()) by_user_.erase(state.user);
  sessions_.erase(at);
}

void ImMailbox::set_nick(Session session, std::string nick) {
  sessions_.at(session).nick = std::move(nick);
}

std::string ImMailbox::nick(Session session) const {
  const State& state = sessions_.at(session);
  return state.nick.empty() ? std::string{state.user.view()} : state.nick;
}

ImMailbox::Group& ImMailbox::group_of(const RoomId& group, std::uint64_t numbers_from) {
  const auto [at, made] = groups_.try_emplace(group);
  if (made) at->second.next = std::max<std::uint64_t>(numbers_from, 1);
  return at->second;
}

void ImMailbox::join(const RoomId& group, Session session, std::uint64_t numbers_from) {
  State& state = sessions_.at(session);
  answer_group_polls(state);
  Group& to = group_of(group, numbers_from);
  to.listeners.insert(session);
  std::erase_if(state.owed, [&](const Owed& owed) { return owed.group == group; });
  std::erase(state.left, group);
  const auto at = std::find_if(state.groups.begin(), state.groups.end(),
                               [&](const Member& member) { return member.group == group; });
  if (at != state.groups.end()) {
    at->from = to.next;
    return;
  }
  if (state.groups.size() >= kGroupsPerSession) leave_group(state.groups.front().group, session);
  state.groups.push_back({group, to.next});
}

void ImMailbox::rejoin(const RoomId& group, Session session, std::uint64_t numbers_from) {
  join(group, session, numbers_from);
  const Group& to = groups_.at(group);
  if (!to.messages.empty()) {
    sessions_.at(session).groups.back().from = to.messages.front().number;
  }
}

void ImMailbox::leave_group(const RoomId& group, Session session) {
  State& state = sessions_.at(session);
  const RoomId name = group;  // may be a part of what is erased
  forget_group(state, name);
  const auto at = groups_.find(name);
  if (at != groups_.end()) at->second.listeners.erase(session);
}

void ImMailbox::forget_group(State& state, const RoomId& group) {
  std::erase_if(state.groups, [&](const Member& member) { return member.group == group; });
  std::erase(state.left, group);
  state.left.push_back(group);
  if (state.left.size() > kGroupsLeft) state.left.erase(state.left.begin());
}

void ImMailbox::quit(const RoomId& group, Session session) {
  answer_group_polls(sessions_.at(session));
  leave_group(group, session);
}

bool ImMailbox::joined(const RoomId& group, Session session) const {
  const auto at = groups_.find(group);
  return at != groups_.end() && at->second.listeners.count(session) != 0;
}

bool ImMailbox::left(const RoomId& group, Session session) const {
  const std::vector<RoomId>& left = sessions_.at(session).left;
  return std::find(left.begin(), left.end(), group) != left.end();
}

std::vector<RoomId> ImMailbox::groups(Session session) const {
  std::vector<RoomId> result;
  for (const Member& member : sessions_.at(session).groups) result.push_back(member.group);
  return result;
}

std::size_t ImMailbox::listeners(const RoomId& group) const {
  const auto at = groups_.find(group);
  return at == groups_.end() ? 0 : at->second.listeners.size();
}

void ImMailbox::append(Group& group, Message message) {
  message_bytes_ += message.item.size();
  group.messages.push_back(std::move(message));
  if (group.messages.size() > kMessagesKept) drop_front(group.messages);
}

void ImMailbox::drop_front(std::vector<Message>& messages) {
  message_bytes_ -= messages.front().item.size();
  messages.erase(messages.begin());
}

bool ImMailbox::post(Instant now, const RoomId& group, std::string item) {
  const auto at = groups_.find(group);
  if (at == groups_.end() || message_bytes_ + item.size() > kMessageBytesMax) return false;
  append(at->second, {at->second.next++, now, false, std::move(item)});
  tell_listeners(group, at->second);
  return true;
}

void ImMailbox::post_notice(Instant now, const RoomId& group, std::string item) {
  const auto at = groups_.find(group);
  if (at == groups_.end()) return;  // nobody ever listened
  std::vector<Message>& messages = at->second.messages;
  if (!messages.empty() && messages.back().notice) {
    message_bytes_ -= messages.back().item.size();
    messages.pop_back();
  }
  append(at->second, {at->second.next++, now, true, std::move(item)});
  tell_listeners(group, at->second);
}

/// Who polls has heard all but the last one.
void ImMailbox::tell_listeners(const RoomId& name, Group& group) {
  const Message message = group.messages.back();
  for (const Session session : group.listeners) {
    if (const auto* id = find_poll(sessions_.at(session), false, name)) {
      answer(*id, PollAnswer::Kind::kGroup, message.number, message.item);
    }
  }
}

void ImMailbox::owe(Instant now, State& state, const RoomId& group, const std::string& item) {
  if (const auto* id = find_poll(state, false, group)) {
    return answer(*id, PollAnswer::Kind::kGroup, polls_.at(*id).from, item);
  }
  if (state.owed.size() >= kGroupsPerSession) state.owed.erase(state.owed.begin());
  state.owed.push_back({group, item, now + kMessageKept});
}

void ImMailbox::dissolve(Instant now, const RoomId& group, const std::string& item) {
  const RoomId name = group;
  const auto at = groups_.find(name);
  if (at == groups_.end()) return;
  for (const Session session : at->second.listeners) {
    State& state = sessions_.at(session);
    forget_group(state, name);
    owe(now, state, name, item);
  }
  while (!at->second.messages.empty()) drop_front(at->second.messages);
  groups_.erase(at);
}

void ImMailbox::put_out(Instant now, const RoomId& group, Session session,
                        const std::string& item) {
  leave_group(group, session);
  owe(now, sessions_.at(session), group, item);
}

void ImMailbox::put_out(Instant now, const RoomId& group, const UserId& user,
                        const std::string& item) {
  const auto own = by_user_.find(user);
  if (own == by_user_.end()) return;
  for (const Session session : own->second) {
    if (joined(group, session)) put_out(now, group, session, item);
  }
}

ImMailbox::Sent ImMailbox::send(const UserId& to, const std::string& item) {
  const auto own = by_user_.find(to);
  if (own == by_user_.end()) return Sent::kNobody;
  bool sent = false;
  for (const Session session : own->second) {
    State& state = sessions_.at(session);
    const bool full =
        state.inbox.size() >= kMessagesKept || message_bytes_ + item.size() > kMessageBytesMax;
    if (full) continue;
    message_bytes_ += item.size();
    state.inbox.push_back({state.next++, {}, false, item});
    tell_inbox(state);
    sent = true;
  }
  return sent ? Sent::kSent : Sent::kFull;
}

/// The oldest of the inbox to the poll that waits for it, if one does. It stays in the inbox until
/// a later poll shows that it came.
void ImMailbox::tell_inbox(State& state) {
  const auto* id = find_poll(state, true, {});
  if (id == nullptr || state.inbox.empty()) return;
  const Message& message = state.inbox.front();
  state.told = message.number;
  answer(*id, PollAnswer::Kind::kUser, message.number, message.item);
}

bool ImMailbox::poll_group(Instant now, Session session, GroupPoll poll) {
  State& state = sessions_.at(session);
  Poll waiting;
  waiting.session = session;
  waiting.group = poll.group;
  waiting.from = poll.from;
  waiting.key = std::move(poll.key);
  push_out_older(now, waiting);
  const auto member = std::find_if(state.groups.begin(), state.groups.end(),
                                   [&](const Member& m) { return m.group == poll.group; });
  const Group* const group = member == state.groups.end() ? nullptr : &groups_.at(poll.group);
  if (group != nullptr && (waiting.from < member->from || waiting.from > group->next)) {
    waiting.from = member->from;
  }
  const std::uint64_t from = waiting.from;
  if (!wait(now, poll.id, std::move(waiting), poll.hold)) return false;
  const auto owed = std::find_if(state.owed.begin(), state.owed.end(),
                                 [&](const Owed& o) { return o.group == poll.group; });
  if (owed != state.owed.end()) {
    const std::string item = owed->item;
    state.owed.erase(owed);
    answer(poll.id, PollAnswer::Kind::kGroup, from, item);
    return true;
  }
  if (group == nullptr) return true;  // held all the same: its client would ask again at once
  const auto next = std::find_if(group->messages.begin(), group->messages.end(),
                                 [&](const Message& m) { return m.number >= from; });
  if (next != group->messages.end()) {
    answer(poll.id, PollAnswer::Kind::kGroup, next->number, next->item);
  }
  return true;
}

bool ImMailbox::poll_user(Instant now, Session session, const UserPoll& poll) {
  State& state = sessions_.at(session);
  // A client that never says what it heard is told everything once.
  if (poll.heard != 0 && poll.heard < state.next) state.confirms = true;
  const std::uint64_t heard = state.confirms ? poll.heard : state.told;
  while (!state.inbox.empty() && state.inbox.front().number <= heard) drop_front(state.inbox);
  Poll waiting;
  waiting.session = session;
  waiting.for_user = true;
  push_out_older(now, waiting);
  if (!wait(now, poll.id, std::move(waiting), poll.hold)) return false;
  tell_inbox(state);
  return true;
}

net::HttpRequestId* ImMailbox::find_poll(State& state, bool for_user, const RoomId& group) {
  const auto at = std::find_if(state.polls.begin(), state.polls.end(), [&](net::HttpRequestId id) {
    const Poll& poll = polls_.at(id);
    return poll.for_user == for_user && !poll.pushed_out && poll.group == group;
  });
  return at == state.polls.end() ? nullptr : &*at;
}

/// One session has one poll of a kind; the older of two ends as soon as it is not a chase.
void ImMailbox::push_out_older(Instant now, const Poll& newer) {
  State& state = sessions_.at(newer.session);
  const auto* found = find_poll(state, newer.for_user, newer.group);
  if (found == nullptr) return;
  const net::HttpRequestId id = *found;
  Poll& older = polls_.at(id);
  const Instant end = older.began + kPollPushedOut;
  if (end <= now) {
    const auto kind = older.for_user ? PollAnswer::Kind::kUser : PollAnswer::Kind::kGroup;
    return answer(id, kind, older.from, {});
  }
  older.pushed_out = true;
  due_.erase({older.due, id});
  older.due = end;
  due_.insert({older.due, id});
}

bool ImMailbox::wait(Instant now, net::HttpRequestId id, Poll poll, Duration hold) {
  State& state = sessions_.at(poll.session);
  if (state.polls.size() >= kPollsPerSession || polls_.size() >= limits_.polls) return false;
  poll.began = now;
  poll.due = now + hold;
  due_.insert({poll.due, id});
  state.polls.push_back(id);
  polls_[id] = std::move(poll);
  return true;
}

void ImMailbox::answer(net::HttpRequestId id, PollAnswer::Kind kind, std::uint64_t number,
                       std::optional<std::string> item) {
  PollAnswer& answer = answers_.emplace_back();
  answer.id = id;
  answer.kind = kind;
  answer.key = std::move(polls_.at(id).key);
  answer.number = number;
  answer.item = std::move(item);
  forget_poll(id);
}

void ImMailbox::answer_group_polls(State& state) {
  const std::vector<net::HttpRequestId> polls = state.polls;
  for (const net::HttpRequestId id : polls) {
    const Poll& poll = polls_.at(id);
    if (!poll.for_user) answer(id, PollAnswer::Kind::kGroup, poll.from, {});
  }
}

void ImMailbox::forget_poll(net::HttpRequestId id) {
  const auto at = polls_.find(id);
  if (at == polls_.end()) return;
  due_.erase({at->second.due, id});
  std::erase(sessions_.at(at->second.session).polls, id);
  polls_.erase(at);
}

Instant ImMailbox::next_deadline() const {
  const Instant sweep = sessions_.empty() ? kNever : next_sweep_;
  return due_.empty() ? sweep : std::min(sweep, due_.begin()->first);
}

void ImMailbox::handle_timeout(Instant now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const net::HttpRequestId id = due_.begin()->second;
    const Poll& poll = polls_.at(id);
    // Its client is there: it would have been forgotten else.
    sessions_.at(poll.session).seen = now;
    answer(id, poll.for_user ? PollAnswer::Kind::kUser : PollAnswer::Kind::kGroup, poll.from, {});
  }
  if (now < next_sweep_) return;
  next_sweep_ = now + kSweep;
  sweep(now);
}

void ImMailbox::sweep(Instant now) {
  std::vector<Session> silent;
  for (auto& [session, state] : sessions_) {
    std::erase_if(state.owed, [&](const Owed& owed) { return owed.until <= now; });
    if (state.polls.empty() && now - state.seen > kSessionTimeout) silent.push_back(session);
  }
  for (const Session session : silent) end(session);
  for (auto at = groups_.begin(); at != groups_.end();) {
    std::vector<Message>& messages = at->second.messages;
    while (!messages.empty() && now - messages.front().at > kMessageKept) drop_front(messages);
    at = messages.empty() && at->second.listeners.empty() ? groups_.erase(at) : std::next(at);
  }
}

}  // namespace sluice::rooms
