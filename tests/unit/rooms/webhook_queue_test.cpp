#include "rooms/webhook_queue.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

class Webhook : public testing::Test {
 protected:
  std::string next(double s) {
    const auto delivery = queue.poll(at_seconds(s));
    return delivery ? delivery->body : "";
  }

  void result(double s, int status) { queue.handle_result(at_seconds(s), status); }

  WebhookQueue queue;
};

TEST_F(Webhook, GoOneByOneInTheirOrder) {
  EXPECT_EQ(next(0), "");
  EXPECT_EQ(queue.next_deadline(), kNever);
  queue.add("a"), queue.add("b");
  EXPECT_EQ(next(0), "a");
  EXPECT_EQ(next(0), "") << "one is under way";
  EXPECT_EQ(queue.next_deadline(), kNever);
  result(0, 204);
  EXPECT_EQ(next(0), "b");
  result(0, 200);
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.counts().delivered, 2U);
  result(0, 200);
  EXPECT_EQ(queue.counts().delivered, 2U) << "nothing was under way";
}

TEST_F(Webhook, AnswersSayWhetherItIsWorthAnotherTry) {
  const struct {
    int status;
    bool again;
  } kCases[] = {{0, true},    {199, false}, {200, false}, {299, false}, {301, false},
                {302, false}, {400, false}, {401, false}, {408, true},  {410, false},
                {429, true},  {500, true},  {503, true},  {599, true}};

  for (const auto& c : kCases) {
    WebhookQueue one;
    one.add("x");
    ASSERT_TRUE(one.poll(at_seconds(0)));
    one.handle_result(at_seconds(0), c.status);
    EXPECT_EQ(one.size(), c.again ? 1U : 0U) << c.status;
    EXPECT_EQ(one.counts().retried, c.again ? 1U : 0U) << c.status;
  }
}

TEST_F(Webhook, PausesGrowAndTriesEnd) {
  queue.add("a"), queue.add("b");
  double now = 0;
  for (const double pause : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    ASSERT_EQ(next(now), "a");
    result(now, 500);
    EXPECT_EQ(queue.next_deadline(), at_seconds(now + pause));
    EXPECT_EQ(next(now + pause - 0.001), "");
    now += pause;
  }
  ASSERT_EQ(next(now), "a");
  result(now, 0);
  EXPECT_EQ(queue.counts().given_up, 1U);
  EXPECT_EQ(next(now), "") << "the next one waits as well";
  EXPECT_EQ(next(now + 60), "b");
  result(now + 60, 500);
  EXPECT_EQ(queue.next_deadline(), at_seconds(now + 61)) << "with tries of its own";
}

TEST_F(Webhook, AFullQueueDropsTheOldestThatIsNotUnderWay) {
  for (std::size_t i = 0; i < kWebhooksMax; ++i) queue.add(std::to_string(i));
  ASSERT_EQ(next(0), "0");
  queue.add("new");
  EXPECT_EQ(queue.size(), kWebhooksMax);
  EXPECT_EQ(queue.counts().overflowed, 1U);
  result(0, 200);
  EXPECT_EQ(next(0), "2") << "1 is gone";
  result(0, 500);
  queue.add("newer"), queue.add("newest");
  EXPECT_EQ(next(1), "3") << "2 waited, and was the oldest";
}

TEST_F(Webhook, ASignatureCoversTimeAndBody) {
  const std::string key(32, 'k');
  const std::string one = webhook_signature(as_bytes(key), {1000}, "body");
  EXPECT_EQ(one.rfind("t=1000,v1=", 0), 0U);
  EXPECT_EQ(one.size(), 10U + 64U);
  EXPECT_NE(one.substr(7), webhook_signature(as_bytes(key), {1001}, "body").substr(7));
  EXPECT_NE(one, webhook_signature(as_bytes(key), {1000}, "bodz"));
}

}  // namespace
}  // namespace sluice::rooms
