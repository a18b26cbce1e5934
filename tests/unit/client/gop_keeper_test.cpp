#include "client/gop_keeper.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

SourceFrame frame_of(RtmpType type, std::uint32_t ms, bool keyframe, Bytes body,
                     std::uint8_t rendition = 0) {
  SourceFrame frame;
  frame.type = type;
  frame.timestamp_ms = ms;
  frame.keyframe = keyframe;
  frame.body = body;
  frame.rendition = rendition;
  return frame;
}

/// "v0 a21 V40": kind, upper case for key frames, and timestamp of all that is kept.
std::string kept(const GopKeeper& keeper) {
  std::string text;
  for (std::size_t i = 0; i < keeper.size(); ++i) {
    const SourceFrame frame = keeper.at(i);
    const bool video = frame.type == RtmpType::kVideo;
    text += std::string{i == 0 ? "" : " "} +
            (!video           ? "a"
             : frame.keyframe ? "V"
                              : "v") +
            std::to_string(frame.timestamp_ms);
    if (frame.rendition != 0) text += "/" + std::to_string(frame.rendition);
  }
  return text;
}

TEST(GopKeeper, KeepsFromTheLastKeyFrameOn) {
  GopKeeper keeper;
  const Bytes body = as_bytes("body");
  keeper.add(frame_of(RtmpType::kAudio, 0, false, body));
  keeper.add(frame_of(RtmpType::kVideo, 1, false, body));
  EXPECT_EQ(kept(keeper), "");
  keeper.add(frame_of(RtmpType::kVideo, 40, true, body));
  keeper.add(frame_of(RtmpType::kAudio, 45, false, body));
  keeper.add(frame_of(RtmpType::kVideo, 80, false, body));
  EXPECT_EQ(kept(keeper), "V40 a45 v80");
  EXPECT_EQ(as_text(keeper.at(0).body), "body");
  keeper.add(frame_of(RtmpType::kVideo, 120, true, body));
  EXPECT_EQ(kept(keeper), "V120");
}

TEST(GopKeeper, KeepsEachRenditionFromItsOwnKeyFrame) {
  GopKeeper keeper;
  const Bytes body = as_bytes("body");
  keeper.add(frame_of(RtmpType::kVideo, 0, true, body, 0));
  keeper.add(frame_of(RtmpType::kVideo, 0, true, body, 1));
  keeper.add(frame_of(RtmpType::kVideo, 40, false, body, 0));
  keeper.add(frame_of(RtmpType::kVideo, 80, true, body, 0));
  EXPECT_EQ(kept(keeper), "V0/1 v40 V80");
  keeper.add(frame_of(RtmpType::kVideo, 80, true, body, 1));
  EXPECT_EQ(kept(keeper), "V80 V80/1");
}

TEST(GopKeeper, AGopThatNoViewerWouldKnowAgainIsNotKept) {
  GopKeeper keeper;
  keeper.add(frame_of(RtmpType::kVideo, 1000, true, as_bytes("x")));
  keeper.add(frame_of(RtmpType::kVideo, 20'999, false, as_bytes("x")));
  EXPECT_EQ(keeper.size(), 2U);
  keeper.add(frame_of(RtmpType::kVideo, 21'000, false, as_bytes("x")));
  EXPECT_EQ(keeper.size(), 0U);
}

TEST(GopKeeper, AGopThatIsTooLongIsNotKept) {
  GopKeeper keeper;
  const std::vector<std::byte> large(GopKeeper::kBytesMax / 4);
  keeper.add(frame_of(RtmpType::kVideo, 0, true, large));
  for (std::uint32_t ms = 40; ms <= 120; ms += 40) {
    keeper.add(frame_of(RtmpType::kVideo, ms, false, large));
  }
  EXPECT_EQ(keeper.size(), 4U) << "as many bytes as may be";
  keeper.add(frame_of(RtmpType::kVideo, 160, false, as_bytes("x")));
  EXPECT_EQ(keeper.size(), 0U);
  keeper.add(frame_of(RtmpType::kVideo, 200, false, as_bytes("x")));
  EXPECT_EQ(keeper.size(), 0U) << "nothing to start with";
  keeper.add(frame_of(RtmpType::kVideo, 240, true, as_bytes("x")));
  EXPECT_EQ(kept(keeper), "V240");
}

}  // namespace
}  // namespace sluice::client
