#include <gtest/gtest.h>

#include "proto/schema/control.h"
#include "tests/unit/schema/samples.h"

namespace sluice::schema {
namespace {

std::vector<std::byte> framed_bytes(std::size_t length, std::size_t present) {
  std::vector<std::byte> bytes(kLengthPrefixBytes + present, std::byte{7});
  store_be<kLengthPrefixBytes>(bytes.data(), length);
  return bytes;
}

TEST(FrameReader, CutsAStreamAtEveryBorderAlike) {
  std::vector<std::byte> input;
  const std::size_t sizes[] = {1, 300, 2, kMessageBytesMax};
  for (const std::size_t size : sizes) {
    const auto one = framed_bytes(size, size);
    input.insert(input.end(), one.begin(), one.end());
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{301}, input.size()}) {
    FrameReader reader;
    std::vector<std::size_t> got;
    for (std::size_t at = 0; at < input.size(); at += step) {
      Bytes piece = Bytes{input}.subspan(at, std::min(step, input.size() - at));
      for (auto s = reader.step(piece); s.state == FrameState::kFrame; s = reader.step(piece)) {
        got.push_back(s.frame.size());
      }
      EXPECT_TRUE(piece.empty());
    }
    EXPECT_EQ(got, std::vector<std::size_t>(std::begin(sizes), std::end(sizes))) << step;
  }
}

TEST(FrameReader, RefusesALengthOfZeroOrBeyondTheLimit) {
  for (const std::size_t length : {std::size_t{0}, kMessageBytesMax + 1, std::size_t{0xFFFFFFFF}}) {
    const auto bytes = framed_bytes(length, 0);
    FrameReader reader;
    Bytes input{bytes};
    EXPECT_EQ(reader.step(input).state, FrameState::kTooLong) << length;
    EXPECT_EQ(reader.step(input).state, FrameState::kTooLong) << "for good";
  }
}

TEST(Caller, FindsItsAnswerAmongEventsAndOldAnswers) {
  Caller caller;
  ASSERT_TRUE(caller.ask(ListRooms{}));
  std::vector<std::byte> input;
  const auto add = [&](const Envelope& envelope) {
    const auto framed = encode(envelope);
    ASSERT_TRUE(framed);
    input.insert(input.end(), framed->begin(), framed->end());
  };
  Hello hello;
  hello.address = "127.0.0.1:4400";
  add({0, Kind::kEvent, 0, hello});
  add({99, Kind::kResponse, 0, Status{}});
  add({1, Kind::kResponse, 0, RoomList{}});

  auto early = caller.handle_bytes(Bytes{input}.first(5));
  ASSERT_TRUE(early);
  EXPECT_FALSE(early->has_value());
  auto answer = caller.handle_bytes(Bytes{input}.subspan(5));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE(std::holds_alternative<RoomList>(**answer));
  ASSERT_TRUE(caller.hello().has_value());
  EXPECT_EQ(caller.hello()->address, "127.0.0.1:4400");
}

TEST(Caller, SaysSoWhenTheOtherEndSpeaksSomethingElse) {
  Caller http;
  ASSERT_TRUE(http.ask(ListRooms{}));
  EXPECT_FALSE(http.handle_bytes(as_bytes("HTTP/1.1 400 Bad Request\r\n")));
  Caller noise;
  ASSERT_TRUE(noise.ask(ListRooms{}));
  EXPECT_FALSE(noise.handle_bytes(framed_bytes(8, 8)));
}

}  // namespace
}  // namespace sluice::schema
