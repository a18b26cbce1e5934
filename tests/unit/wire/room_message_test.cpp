#include "proto/wire/room_message.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/wire/application_message.h"

namespace sluice::wire {
namespace {

using Octets = std::vector<std::byte>;

StreamName stream(std::string_view text) { return StreamName::parse(text).value(); }

UserName user(std::string_view text) { return UserName::parse(text).value(); }

TrackDescription track(std::uint8_t id, TrackKind kind, FourCC codec,
                       std::size_t config_bytes = 0) {
  return {TrackId{id}, kind, codec, 1, true, Octets(config_bytes, std::byte{7})};
}

const std::vector<TrackDescription>& two_tracks() {
  static const std::vector<TrackDescription> kTracks{track(1, TrackKind::kVideo, FourCC::kAvc, 40),
                                                     track(2, TrackKind::kAudio, FourCC::kAac, 2)};
  return kTracks;
}

/// One of each, with edges in its fields; in the order of the type numbers.
std::vector<RoomMessage> one_of_each() {
  return {Push{RequestId{0xFFFF}, stream(std::string(96, 'x')), two_tracks()},
          PushAnswer{RequestId{1}, AnswerStatus::kRenditionsDiffer, StreamHandle{0xFFFF}},
          Unpush{StreamHandle{7}},
          Subscribe{RequestId{2}, {}, 0, 0xFFFF, true, false, true, 0xFF, 0xFFFFFFFF},
          SubscribeAnswer{RequestId{2}, AnswerStatus::kOk},
          Unsubscribe{stream("cam")},
          MemberEvent{MemberEvent::Change::kOut, user(std::string(64, 'u')), 0x8001, 255},
          StreamEvent{StreamEvent::Change::kChanged, stream("cam"), user("ann"), StreamHandle{3},
                      two_tracks()},
          Target{StreamHandle{3}, {{TrackId{1}, 0xFFFFFFFF}, {TrackId{2}, 0}}},
          Stats{{{1, ~0ULL}, {2, 0}}},
          Reconnect{"[2001:db8::1]:443", Octets(180, std::byte{9}), {}},
          RoomWelcome{RoomName::parse("room-1").value(), user("ann"), 4},
          Sending{StreamHandle{0xFFFF}, kNoVideo, Sending::Reason::kBandwidth}};
}

Octets encode(const RoomMessage& message) {
  Octets out;
  EXPECT_TRUE(encode_room_message(message, out).has_value());
  return out;
}

MessageView view(const Octets& message) {
  return {to_u8(message[0]), Bytes{message}.subspan(kMessageHeaderBytes)};
}

// P-CTRL-04
TEST(RoomMessage, EachRoundTripsUnderItsTypeNumber) {
  const std::vector<RoomMessage> messages = one_of_each();
  Octets out;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Octets bytes = encode(messages[i]);
    EXPECT_EQ(to_u8(bytes[0]), i + 1);
    EXPECT_EQ(load_be<2>(&bytes[1]), bytes.size() - kMessageHeaderBytes);
    EXPECT_EQ(decode_room_message(view(bytes)).value(), messages[i]) << i + 1;
    ASSERT_TRUE(encode_room_message(messages[i], out).has_value());
  }
  // Appended behind each other, a stream.
  MessageReader reader;
  reader.feed(out);
  for (const RoomMessage& message : messages) {
    EXPECT_EQ(decode_room_message(reader.next()->value()).value(), message);
  }
  EXPECT_FALSE(reader.next());
}

// P-CTRL-04
TEST(RoomMessage, IsRefusedWhenCutAnywhereOrWithOneByteMore) {
  for (const RoomMessage& message : one_of_each()) {
    Octets bytes = encode(message);
    const std::uint8_t type = to_u8(bytes[0]);
    const Bytes body = Bytes{bytes}.subspan(kMessageHeaderBytes);
    for (std::size_t length = 0; length < body.size(); ++length) {
      // A list to the end of the body may end at any entry: STATS of 9 bytes each.
      if (std::holds_alternative<Stats>(message) && length % 9 == 0) continue;
      EXPECT_FALSE(decode_room_message({type, body.first(length)}))
          << int{type} << " cut to " << length;
    }
    bytes.push_back(std::byte{1});
    EXPECT_FALSE(decode_room_message(view(bytes))) << int{type} << " with more";
  }
}

// P-CTRL-04
TEST(RoomMessage, IsRefusedForValuesThatCannotBe) {
  struct Case {
    const char* what;
    std::uint8_t type;
    std::vector<std::uint8_t> body;
  };

  for (const Case& c : {
           Case{"PUSH without a name", 1, {0, 1, 0, 0}},
           Case{"PUSH with a bad name", 1, {0, 1, 1, ' ', 0}},
           Case{"a track of kind 0", 1, {0, 1, 1, 'a', 1, 1, 0, 'a', 'v', 'c', '1', 0, 0, 0, 0}},
           Case{"a track of kind 4", 1, {0, 1, 1, 'a', 1, 1, 4, 'a', 'v', 'c', '1', 0, 0, 0, 0}},
           Case{
               "an unknown track flag", 1, {0, 1, 1, 'a', 1, 1, 2, 'a', 'v', 'c', '1', 0, 2, 0, 0}},
           Case{"an unknown status", 2, {0, 1, 9, 0, 1}},
           Case{"an unknown SUBSCRIBE flag", 4, {0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0}},
           Case{"least delay above the most", 4, {0, 1, 0, 0, 2, 0, 1, 7, 0, 0, 0, 0, 0}},
           Case{"MEMBER event 0", 7, {0, 1, 'a', 0, 0, 0}},
           Case{"MEMBER event 3", 7, {3, 1, 'a', 0, 0, 0}},
           Case{"STREAM event 4", 8, {4, 1, 'a', 1, 'b', 0, 1, 0}},
           Case{"ROOM without a room", 12, {0, 1, 'a', 0, 1}},
           Case{"SENDING for no known reason", 13, {0, 1, 0, 2}},
       }) {
    const Result<RoomMessage> decoded =
        decode_room_message({c.type, std::as_bytes(std::span(c.body))});
    ASSERT_FALSE(decoded) << c.what;
    EXPECT_EQ(decoded.error(), DropReason::kMalformed);
  }
}

// P-CTRL-04
TEST(RoomMessage, OfALaterVersionIsNamedAndNeverWritten) {
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{14}, std::uint8_t{255}}) {
    EXPECT_EQ(decode_room_message({type, {}}).value(), RoomMessage{UnknownMessage{type}});
  }
  Octets out(3);
  EXPECT_FALSE(encode_room_message(UnknownMessage{99}, out));
  EXPECT_EQ(out.size(), 3U);
}

// P-CTRL-01
TEST(RoomMessage, ThatDoesNotFitIsRefusedAndLeavesNoTrace) {
  Octets out(5);
  const std::vector<TrackDescription> large{
      track(1, TrackKind::kVideo, FourCC::kAvc, kCodecConfigBytesMax),
      track(2, TrackKind::kVideo, FourCC::kAvc, kCodecConfigBytesMax)};
  EXPECT_EQ(encode_room_message(Push{{}, stream("a"), large}, out).error(),
            DropReason::kControlTooLarge);
  const std::vector<TrackDescription> long_config{
      track(1, TrackKind::kVideo, FourCC::kAvc, kCodecConfigBytesMax + 1)};
  EXPECT_EQ(encode_room_message(Push{{}, stream("a"), long_config}, out).error(),
            DropReason::kMalformed);
  EXPECT_EQ(encode_room_message(Push{}, out).error(), DropReason::kMalformed);  // no name
  EXPECT_EQ(encode_room_message(Reconnect{std::string(256, 'a'), {}, {}}, out).error(),
            DropReason::kMalformed);
  EXPECT_EQ(encode_room_message(Stats{std::vector<Stats::Entry>(911)}, out).error(),
            DropReason::kControlTooLarge);
  EXPECT_EQ(out.size(), 5U);
  EXPECT_TRUE(encode_room_message(Stats{std::vector<Stats::Entry>(910)}, out).has_value());
}

TEST(Tracks, AreCheckedWithAReasonForThePusher) {
  using Tracks = std::vector<TrackDescription>;
  Tracks nine;
  for (std::uint8_t id = 0; id <= kTracksPerStreamMax; ++id) {
    nine.push_back(track(id, TrackKind::kVideo, FourCC::kAvc));
    nine.back().rendition = id;
  }
  const TrackDescription one = track(1, TrackKind::kVideo, FourCC::kAvc);
  TrackDescription other = track(2, TrackKind::kVideo, FourCC::kHevc);
  other.rendition = 2;
  const Tracks eight(nine.begin(), nine.end() - 1);

  struct Case {
    const char* what;
    Tracks tracks;
    AnswerStatus status;
  };

  for (const Case& c : {
           Case{"two tracks", two_tracks(), AnswerStatus::kOk},
           Case{"as many as may be", eight, AnswerStatus::kOk},
           Case{"one more", nine, AnswerStatus::kTooMany},
           Case{"none", {}, AnswerStatus::kMalformed},
           Case{"the same id twice", {two_tracks()[0], two_tracks()[0]}, AnswerStatus::kMalformed},
           // P-REND-01
           Case{"renditions of different codecs", {one, other}, AnswerStatus::kRenditionsDiffer},
           Case{"two tracks of one rendition",
                {one, track(2, TrackKind::kVideo, FourCC::kAvc)},
                AnswerStatus::kRenditionsDiffer},
           Case{"two sounds of one rendition",
                {track(1, TrackKind::kAudio, FourCC::kAac),
                 track(2, TrackKind::kAudio, FourCC::kOpus)},
                AnswerStatus::kOk},
           Case{"an audio codec as video",
                {track(1, TrackKind::kVideo, FourCC::kOpus)},
                AnswerStatus::kMalformed},
           Case{"a codec that is not carried",
                {track(1, TrackKind::kVideo, FourCC{four_cc("vvc1")})},
                AnswerStatus::kCodecNotCarried},
       }) {
    EXPECT_EQ(check_tracks(c.tracks), c.status) << c.what;
  }
}

TEST(AnswerStatus, HasANameForEach) {
  EXPECT_EQ(answer_status_name(AnswerStatus::kOk), "ok");
  EXPECT_EQ(answer_status_name(AnswerStatus::kRenditionsDiffer), "renditions_differ");
  EXPECT_EQ(answer_status_name(AnswerStatus{99}), "unknown");
}

TEST(FourCC, IsPrintableWhateverAPeerSends) {
  EXPECT_EQ(four_cc_text(FourCC::kMp3), ".mp3");
  EXPECT_EQ(four_cc_text(FourCC{0x00411B42}), "?A?B");
}

// P-CTRL-07
TEST(ApplicationMessage, RoundTripsAndRefusesBadNames) {
  const std::vector<ApplicationMessage> messages{
      TextMessage{{}, user("ann"), "hello"}, TextMessage{user("bob"), {}, ""},
      BytesMessage{user("bob"), user("ann"), Octets(8000, std::byte{1})}};
  for (const ApplicationMessage& message : messages) {
    Octets out;
    ASSERT_TRUE(encode_application_message(message, out).has_value());
    EXPECT_EQ(decode_application_message(view(out)).value(), message);
  }
  const Octets bad_name{std::byte{1}, std::byte{'/'}, std::byte{0}},
      cut{std::byte{2}, std::byte{'a'}};
  EXPECT_FALSE(decode_application_message({1, bad_name}));
  EXPECT_FALSE(decode_application_message({1, cut}));
  EXPECT_FALSE(decode_application_message({2, {}}));
  EXPECT_EQ(decode_application_message({3, {}}).value(), ApplicationMessage{UnknownMessage{3}});
  Octets out;
  EXPECT_EQ(encode_application_message(BytesMessage{{}, {}, Octets(8191)}, out).error(),
            DropReason::kControlTooLarge);
}

}  // namespace
}  // namespace sluice::wire
