#include "relay/stream/rendition_choice.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

using Step = RenditionChoice::Step;

RenditionChoice sent(Rendition rendition, std::uint32_t dts) {
  RenditionChoice choice{3};
  choice.want(rendition);
  choice.begin(rendition, dts);
  return choice;
}

TEST(RenditionChoice, OfOneAloneEverythingIsSentFromTheStart) {
  const RenditionChoice choice{1};
  EXPECT_EQ(choice.judge(0, false, 0), Step::kSend);
  EXPECT_FALSE(choice.switching());
  EXPECT_FALSE(choice.paused());
}

TEST(RenditionChoice, OfSeveralNothingIsSentBeforeOneIsWanted) {
  const RenditionChoice choice{3};
  EXPECT_TRUE(choice.paused());
  EXPECT_EQ(choice.judge(0, true, 0), Step::kPass);
}

// P-REND-02
TEST(RenditionChoice, BeginsWithAKeyFrameAndWithACheaperOneWhileThereIsNothing) {
  struct Case {
    Rendition rendition;
    bool keyframe;
    Step step;
  };

  RenditionChoice choice{3};
  choice.want(Rendition{1});
  for (const Case& c :
       {Case{0, true, Step::kPass}, Case{0, false, Step::kPass}, Case{1, false, Step::kPass},
        Case{1, true, Step::kSwitch}, Case{2, false, Step::kPass}, Case{2, true, Step::kSwitch}}) {
    EXPECT_EQ(choice.judge(c.rendition, c.keyframe, 0), c.step) << int{c.rendition} << c.keyframe;
  }
  choice.begin(2, 0);
  EXPECT_TRUE(choice.switching());
  EXPECT_EQ(choice.judge(2, false, 33), Step::kSend);
  EXPECT_EQ(choice.judge(1, true, 33), Step::kSwitch);
}

// P-REND-02
TEST(RenditionChoice, GoesOnWithThePresentOneUntilAKeyFrameOfTheWanted) {
  RenditionChoice choice = sent(0, 0);
  choice.want(Rendition{2});
  EXPECT_TRUE(choice.switching());
  EXPECT_EQ(choice.judge(0, false, 33), Step::kSend);
  EXPECT_EQ(choice.judge(0, true, 66), Step::kSend);
  EXPECT_EQ(choice.judge(2, false, 66), Step::kPass);
  EXPECT_EQ(choice.judge(1, true, 66), Step::kPass);  // neither the present nor the wanted one
  EXPECT_EQ(choice.judge(2, true, 100), Step::kSwitch);
  EXPECT_EQ(choice.current(), Rendition{0});  // as long as nobody begins it
  choice.begin(2, 100);
  EXPECT_EQ(choice.current(), Rendition{2});
  EXPECT_FALSE(choice.switching());
  EXPECT_EQ(choice.judge(2, false, 133), Step::kSend);
}

TEST(RenditionChoice, FramesOfTheOneBeforeAreDueUpToTheSwitchAlsoAcrossTheWrap) {
  for (const std::uint32_t at : {100U, 0U, 10U, 0xFFFFFFU, 0x800000U}) {
    RenditionChoice choice = sent(0, at - 1000U);
    choice.want(Rendition{1});
    choice.begin(1, at);
    EXPECT_EQ(choice.judge(0, false, at - 33U), Step::kSend) << at;
    EXPECT_EQ(choice.judge(0, false, at), Step::kPass) << at;
    EXPECT_EQ(choice.judge(0, true, at + 33U), Step::kPass) << at;
  }
}

TEST(RenditionChoice, AChangeOfMindBeforeTheKeyFrameLeavesAllAsItWas) {
  RenditionChoice choice = sent(0, 0);
  choice.want(Rendition{2});
  choice.want(Rendition{0});
  EXPECT_FALSE(choice.switching());
  EXPECT_EQ(choice.judge(2, true, 33), Step::kPass);
  EXPECT_EQ(choice.judge(0, false, 33), Step::kSend);
}

// P-REND-03
TEST(RenditionChoice, APauseIsAtOnceAndEndsWithAKeyFrame) {
  RenditionChoice choice = sent(1, 0);
  choice.want(std::nullopt);
  EXPECT_TRUE(choice.paused());
  EXPECT_EQ(choice.current(), std::nullopt);
  EXPECT_EQ(choice.judge(1, true, 33), Step::kPass);
  choice.want(Rendition{1});
  EXPECT_EQ(choice.judge(1, false, 66), Step::kPass);
  EXPECT_EQ(choice.judge(1, true, 100), Step::kSwitch);
  RenditionChoice alone{1};
  alone.want(std::nullopt);
  EXPECT_EQ(alone.judge(0, false, 0), Step::kPass);
}

}  // namespace
}  // namespace sluice::relay
