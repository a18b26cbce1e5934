#include "proto/link/control_stream.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/xoshiro.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

constexpr std::size_t kRoom = 1'000;

std::vector<std::string> messages(ControlReceiver& receiver) {
  std::vector<std::string> all;
  while (const auto message = receiver.poll()) {
    if (!*message) break;
    all.push_back(std::to_string((*message)->type) + ":" + std::string{as_text((*message)->body)});
  }
  return all;
}

using Texts = std::vector<std::string>;

TEST(ControlStream, CarriesMessagesInOrder) {  // P-CTRL-01
  ControlSender sender{0};
  ControlReceiver receiver{0};
  ASSERT_TRUE(sender.append(1, as_bytes("hello")));
  ASSERT_TRUE(sender.append(2, {}));
  EXPECT_TRUE(sender.has_work(at_ms(0)));
  const auto piece = sender.next(at_ms(0), kRoom, false);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->offset, 0U);
  EXPECT_EQ(piece->bytes.size(), 3U + 5U + 3U) << "both messages share the frame";
  ASSERT_TRUE(receiver.handle(piece->offset, piece->bytes));
  EXPECT_EQ(messages(receiver), (Texts{"1:hello", "2:"}));
  EXPECT_FALSE(sender.has_work(at_ms(0)));
  sender.on_acknowledged(0);
  EXPECT_EQ(sender.unacknowledged(), 0U);
}

TEST(ControlStream, ContinuesWhereTheEarlyBytesEnded) {  // P-CTRL-02
  ControlSender sender{700};
  ControlReceiver receiver{700};
  ASSERT_TRUE(sender.append(1, as_bytes("x")));
  const auto piece = sender.next(at_ms(0), kRoom, false);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->offset, 700U);
  ASSERT_TRUE(receiver.handle(piece->offset, piece->bytes));
  EXPECT_EQ(messages(receiver), Texts{"1:x"});
}

TEST(ControlStream, PutsBytesInOrderWhateverTheirArrival) {
  const std::string text = "abcdefghijklmnop";
  std::vector<std::byte> stream;
  for (int i = 0; i < 20; ++i) {
    stream.push_back(std::byte{1});
    stream.push_back(std::byte{0});
    stream.push_back(static_cast<std::byte>(text.size()));
    for (const char c : text) stream.push_back(static_cast<std::byte>(c));
  }
  for (const std::uint32_t start : {0U, 1U, 0xFFFFFFF0U}) {
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
      sim::Xoshiro random{seed};
      ControlReceiver receiver{start};
      std::vector<std::pair<std::size_t, std::size_t>> cuts;  // overlapping pieces, all covered
      for (std::size_t at = 0; at < stream.size(); at += 7) {
        cuts.emplace_back(at, std::min<std::size_t>(7 + random.below(5), stream.size() - at));
      }
      for (std::size_t i = cuts.size(); i > 1; --i) std::swap(cuts[i - 1], cuts[random.below(i)]);
      Texts got;
      for (const auto& [at, size] : cuts) {
        ASSERT_TRUE(receiver.handle(start + static_cast<std::uint32_t>(at),
                                    Bytes{stream}.subspan(at, size)));
        for (std::string& m : messages(receiver)) got.push_back(std::move(m));
      }
      ASSERT_EQ(got, Texts(20, "1:" + text)) << "seed " << seed << " start " << start;
    }
  }
}

TEST(ControlStream, RefusesDataBeyondTheWindowAndNotOneByteLess) {  // P-CTRL-01
  const std::vector<std::byte> one(1);
  ControlReceiver receiver{0};
  EXPECT_TRUE(receiver.handle(kControlWindowBytes - 1, one));
  EXPECT_EQ(receiver.handle(kControlWindowBytes, one).error(), DropReason::kControlOverflow);
  EXPECT_TRUE(receiver.handle(0x80000001U, one)) << "long past: a late duplicate";
  EXPECT_EQ(receiver.handle(0x7FFFFFFFU, one).error(), DropReason::kControlOverflow);
}

TEST(ControlStream, ClosesOnAnOwnerThatDoesNotTakeItsMessages) {
  ControlReceiver receiver{0};
  const std::vector<std::byte> zeros(1'200);  // messages of type 0 without a body
  std::uint32_t at = 0;
  Status<> status = Done{};
  for (int i = 0; i < 100 && status; ++i) {
    status = receiver.handle(at, zeros);
    at += 1'200;
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), DropReason::kControlOverflow);
  EXPECT_GT(at, kControlWindowBytes);
}

TEST(ControlStream, RefusesMessagesThatAreTooLargeOrTooMany) {
  ControlSender sender{0};
  const std::vector<std::byte> most(kControlMessageBytesMax);
  const std::vector<std::byte> over(kControlMessageBytesMax + 1);
  EXPECT_EQ(sender.append(1, over).error(), DropReason::kControlTooLarge);
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(sender.append(1, most));
  const std::size_t rest = kControlWindowBytes - sender.unacknowledged() - 3;
  EXPECT_EQ(sender.append(1, Bytes{over}.first(rest + 1)).error(), DropReason::kControlOverflow);
  EXPECT_TRUE(sender.append(1, Bytes{over}.first(rest)));
  EXPECT_EQ(sender.unacknowledged(), kControlWindowBytes);
}

TEST(ControlStream, SendsALostPieceAgainAsItWas) {  // P-CTRL-03
  ControlSender sender{0};
  ASSERT_TRUE(sender.append(1, as_bytes("first")));
  const auto first = sender.next(at_ms(0), kRoom, false);
  ASSERT_TRUE(sender.append(1, as_bytes("second")));
  const auto second = sender.next(at_ms(0), kRoom, false);
  ASSERT_TRUE(first && second);
  sender.on_lost(first->offset);
  EXPECT_TRUE(sender.has_work(at_ms(1)));
  EXPECT_FALSE(sender.next(at_ms(1), first->bytes.size() - 1, false))
      << "does not fit: whole or not";
  const auto again = sender.next(at_ms(1), kRoom, false);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->offset, 0U);
  EXPECT_EQ(again->bytes.size(), 3U + 5U);
  sender.on_acknowledged(second->offset);
  EXPECT_EQ(sender.unacknowledged(), 3U + 5U + 3U + 6U) << "only from the front";
  sender.on_acknowledged(0);
  EXPECT_EQ(sender.unacknowledged(), 0U);
  sender.on_lost(0);
  EXPECT_FALSE(sender.has_work(at_ms(1))) << "loss of what was acknowledged is no loss";
}

TEST(ControlStream, SendsTwiceTenMillisecondsApartWhenAsked) {  // P-CTRL-03
  ControlSender sender{0};
  ASSERT_TRUE(sender.append(1, as_bytes("x")));
  ASSERT_TRUE(sender.next(at_ms(0), kRoom, true));
  EXPECT_EQ(sender.copy_due(), at_ms(10));
  EXPECT_FALSE(sender.has_work(at_ms(9)));
  EXPECT_TRUE(sender.has_work(at_ms(10)));
  const auto copy = sender.next(at_ms(10), kRoom, true);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->offset, 0U);
  EXPECT_EQ(sender.copy_due(), kNever) << "a copy has no copy";
  sender.on_lost(0);
  EXPECT_FALSE(sender.has_work(at_ms(11))) << "the other may have arrived";
  sender.on_lost(0);
  EXPECT_TRUE(sender.has_work(at_ms(11))) << "now both are lost";
}

TEST(ControlStream, SpendsNoCopyOnWhatWasAcknowledged) {
  ControlSender sender{0};
  ASSERT_TRUE(sender.append(1, as_bytes("x")));
  ASSERT_TRUE(sender.next(at_ms(0), kRoom, true));
  sender.on_acknowledged(0);
  EXPECT_FALSE(sender.next(at_ms(10), kRoom, true));
  EXPECT_EQ(sender.copy_due(), kNever);
}

TEST(ControlStream, DeliversEverythingOverALossyPath) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Xoshiro random{seed};
    ControlSender sender{0xFFFFF000U};
    ControlReceiver receiver{0xFFFFF000U};
    Texts sent;
    Texts got;
    for (int step = 0; step < 1'000 || sender.unacknowledged() > 0; ++step) {
      ASSERT_LT(step, 100'000);
      const Instant now = at_ms(step);
      if (step < 1'000) {
        const std::string text = std::to_string(step) + std::string(random.below(300), 'x');
        if (sender.append(7, as_bytes(text))) sent.push_back("7:" + text);
      }
      const std::size_t room = random.chance(0.5) ? kRoom : 20 + random.below(800);
      const auto piece = sender.next(now, room, random.chance(0.5));
      if (!piece) continue;
      if (random.chance(0.3)) {
        sender.on_lost(piece->offset);
        continue;
      }
      ASSERT_TRUE(receiver.handle(piece->offset, piece->bytes));
      for (std::string& m : messages(receiver)) got.push_back(std::move(m));
      if (random.chance(0.2)) {
        sender.on_lost(piece->offset);  // taken for lost though it arrived
      } else {
        sender.on_acknowledged(piece->offset);
      }
      ASSERT_LE(sender.unacknowledged(), kControlWindowBytes);
    }
    ASSERT_EQ(got, sent) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::link
