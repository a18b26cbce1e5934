// Random sessions in virtual time: every poll ends once and within its hold, what waits stays
// bounded, and a listener who polls hears the group's messages in order and none twice.
#include <map>

#include <gtest/gtest.h>

#include "rooms/im_mailbox.h"
#include "sim/seed.h"
#include "sim/xoshiro.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

constexpr Duration kLatest = kPollHold + std::chrono::seconds{5};

class RandomMailbox {
 public:
  explicit RandomMailbox(std::uint64_t seed) : random_(seed) {}

  void step() {
    now_ += std::chrono::milliseconds{random_.below(2000)};
    act();
    mailbox_.handle_timeout(now_);
    for (const PollAnswer& answer : mailbox_.take_answers()) check(answer);
    for (const auto& [id, began] : open_) EXPECT_LE(now_ - began, kLatest);
    EXPECT_EQ(open_.size(), mailbox_.poll_count());
    EXPECT_LE(mailbox_.poll_count(), kLimits.polls);
    EXPECT_LE(mailbox_.session_count(), kLimits.sessions);
    EXPECT_LE(mailbox_.message_bytes(), 3 * kMessagesKept * 8 + 400 * 8U);
  }

 private:
  static constexpr MailboxLimits kLimits{.polls = 20, .sessions = 12};

  void act() {
    const UserId user = user_id("u" + std::to_string(random_.below(5)));
    const auto id = SessionId::parse(std::to_string(random_.below(6)));
    const auto session = mailbox_.session(now_, user, *id, random_.chance(0.5));
    if (!session) return;
    const RoomId group = room_id("g" + std::to_string(random_.below(3)));
    switch (random_.below(9)) {
      case 0:
        return mailbox_.join(group, *session, 1);
      case 1:
        return random_.chance(0.3) ? mailbox_.quit(group, *session) : void();
      case 2:
        return static_cast<void>(mailbox_.post(now_, group, "message"));
      case 3:
        return mailbox_.post_notice(now_, group, "notice");
      case 4:
        if (random_.chance(0.1)) mailbox_.dissolve(now_, group, "end");
        return;
      case 5:
        return random_.chance(0.1) ? mailbox_.end(*session) : void();
      case 6:
        return static_cast<void>(mailbox_.send(user, "letter"));
      case 7:
        if (mailbox_.poll_user(now_, *session, {next_id(), random_.below(20), kPollHold})) opened();
        return;
      default:
        poll(*session, group);
    }
  }

  void poll(ImMailbox::Session session, const RoomId& group) {
    ImMailbox::GroupPoll poll;
    poll.id = next_id();
    poll.group = group;
    poll.from = random_.below(50);
    poll.key = "key";
    if (mailbox_.poll_group(now_, session, std::move(poll))) opened();
    if (!open_.empty() && random_.chance(0.05)) {
      mailbox_.forget_poll(open_.begin()->first);
      open_.erase(open_.begin());
    }
  }

  net::HttpRequestId next_id() { return net::HttpRequestId{++last_}; }

  void opened() { open_[net::HttpRequestId{last_}] = now_; }

  void check(const PollAnswer& answer) {
    EXPECT_EQ(open_.erase(answer.id), 1U) << "answered twice, or never asked";
    if (answer.kind == PollAnswer::Kind::kGroup) {
      EXPECT_EQ(answer.key, "key");
    }
  }

  sim::Xoshiro random_;
  ImMailbox mailbox_{kLimits};
  Instant now_ = at_seconds(1);
  std::uint64_t last_ = 0;
  std::map<net::HttpRequestId, Instant> open_;
};

TEST(ImMailboxSim, EveryPollEndsOnceAndEverythingStaysBounded) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    SLUICE_SIM_SEED(seed);
    RandomMailbox mailbox{seed};
    for (int i = 0; i < 600 && !testing::Test::HasFailure(); ++i) mailbox.step();
  }
}

TEST(ImMailboxSim, AListenerHearsAllMessagesInOrderAndNoneTwice) {
  for (const std::uint64_t seed : sim::seeds(10)) {
    SLUICE_SIM_SEED(seed);
    sim::Xoshiro random{seed};
    ImMailbox mailbox{MailboxLimits{}};
    Instant now = at_seconds(1);
    const auto come = [&] {
      return *mailbox.session(now, user_id("u"), *SessionId::parse("1"), false);
    };
    const RoomId group = room_id("g");
    mailbox.join(group, come(), 7);
    std::uint64_t next = 0, last_id = 0, said = 0, heard = 0;
    bool waiting = false;
    for (int i = 0; i < 300; ++i) {
      now += std::chrono::milliseconds{random.below(1000)};
      if (random.chance(0.4)) {
        ASSERT_TRUE(mailbox.post(now, group, std::to_string(++said)));
      }
      if (!waiting) {
        waiting = mailbox.poll_group(now, come(),
                                     {net::HttpRequestId{++last_id}, group, next, "k", kPollHold});
      } else if (random.chance(0.1)) {
        mailbox.forget_poll(net::HttpRequestId{last_id});  // a lost connection
        waiting = false;
      }
      mailbox.handle_timeout(now);
      for (const PollAnswer& answer : mailbox.take_answers()) {
        waiting = false;
        if (random.chance(0.1)) continue;  // lost on its way
        next = answer.number + (answer.item ? 1 : 0);
        if (answer.item) {
          EXPECT_EQ(*answer.item, std::to_string(++heard));
        }
      }
    }
    EXPECT_GE(heard + 10, said);
    EXPECT_GT(heard, 20U);
  }
}

}  // namespace
}  // namespace sluice::rooms
