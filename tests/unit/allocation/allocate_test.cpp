#include "relay/allocation/allocate.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

constexpr std::uint64_t kAudio = 64'000;
const std::vector<std::uint64_t> kThree{200'000, 700'000, 2'000'000};

Wish other(std::uint8_t priority = 0) { return {Standing::kOther, priority, kAudio, kThree}; }

Wish of(Standing standing) { return {standing, 0, kAudio, kThree}; }

/// "a2" sound and the third choice, "a-" sound alone, "--" nothing: a word for each wish.
std::string granted(std::uint64_t bits_per_s, const std::vector<Wish>& wishes) {
  std::vector<Grant> grants(wishes.size());
  const std::uint64_t spent = allocate(bits_per_s, wishes, grants);
  std::uint64_t cost = 0;
  std::string text;
  for (std::size_t i = 0; i < grants.size(); ++i) {
    if (grants[i].audio) cost += wishes[i].audio_bits_per_s;
    if (grants[i].video) cost += wishes[i].video[*grants[i].video];
    text += i > 0 ? " " : "";
    text += grants[i].audio ? 'a' : '-';
    text += grants[i].video ? static_cast<char>('0' + *grants[i].video) : '-';
  }
  EXPECT_EQ(spent, cost);
  EXPECT_LE(spent, bits_per_s);
  return text;
}

TEST(Allocate, GivesInTheStatedOrder) {
  using S = Standing;

  const struct {
    const char* claim;
    std::uint64_t bits_per_s;
    std::vector<Wish> wishes;
    const char* grants;
  } cases[] = {
      {"a fibre carries the best of all", 10'000'000, {other(), other(), other()}, "a2 a2 a2"},
      {"a phone carries everybody's sound and one small picture",
       300'000,
       {other(), other(), other()},
       "a- a- a-"},
      {"a smallest picture for everybody before a better one",
       1'400'000,
       {other(), other(), other()},
       "a1 a0 a0"},
      {"the speaker's best before anybody's base",
       2'400'000,
       {other(), of(S::kSpeaking), other()},
       "a0 a2 a-"},
      {"pinned before speaking", 2'300'000, {of(S::kSpeaking), of(S::kPinned)}, "a- a2"},
      {"sound before any picture", 128'000, {of(S::kPinned), other()}, "a- a-"},
      {"sound of the first when there is no more", 100'000, {other(), of(S::kPinned)}, "-- a-"},
      {"the subscriber's priority decides among equals", 1'100'000, {other(1), other(9)}, "a0 a1"},
      {"nothing", 0, {other()}, "--"},
  };

  for (const auto& c : cases) {
    EXPECT_EQ(granted(c.bits_per_s, c.wishes), c.grants) << c.claim;
  }
}

TEST(Allocate, AChoiceIsGrantedExactlyWhenItFits) {
  EXPECT_EQ(granted(264'000, {other()}), "a0");
  EXPECT_EQ(granted(263'999, {other()}), "a-");
  EXPECT_EQ(granted(764'000, {other()}), "a1");
  EXPECT_EQ(granted(763'999, {other()}), "a0");
}

TEST(Allocate, AChoiceThatCostsNothingMoreIsTaken) {
  const std::vector<std::uint64_t> odd{300'000, 300'000, 250'000};
  std::vector<Grant> grants(1);
  const Wish wish{Standing::kOther, 0, 0, odd};
  EXPECT_EQ(allocate(300'000, {&wish, 1}, grants), 300'000U);
  EXPECT_EQ(grants[0].video, 2);
}

TEST(Allocate, WithoutWishesNothingIsSpent) { EXPECT_EQ(granted(1'000'000, {}), ""); }

// Three renditions on the links of a fibre, a train and a phone, at 0.9 of what they carry.
TEST(Allocate, EachLinkGetsTheBestThatItCarries) {
  const std::vector<Wish> one{other()};
  EXPECT_EQ(granted(4'500'000, one), "a2");
  EXPECT_EQ(granted(900'000, one), "a1");
  EXPECT_EQ(granted(270'000, one), "a0");
}

TEST(Allocate, TakesAsManyWishesAsALinkHasTracks) {
  const std::vector<Wish> wishes(kWishesMax, other());
  std::vector<Grant> grants(kWishesMax);
  allocate(kWishesMax * (kAudio + kThree[0]) + 500'000, wishes, grants);
  EXPECT_EQ(grants.front(), (Grant{true, 1}));
  EXPECT_EQ(grants.back(), (Grant{true, 0}));
}

}  // namespace
}  // namespace sluice::relay
