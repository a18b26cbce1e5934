#include "proto/schema/control.h"

#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "envelope_generated.h"
#include "tests/unit/schema/samples.h"
#include "tests/vectors/control_messages.h"

namespace sluice::schema {
namespace {

namespace fb = ::sluice::control;

std::vector<std::byte> encoded(const Envelope& envelope) {
  auto framed = encode(envelope);
  EXPECT_TRUE(framed) << framed.error().message;
  if (!framed) return {};
  return *framed;
}

Bytes without_length(const std::vector<std::byte>& framed) {
  return Bytes{framed}.subspan(kLengthPrefixBytes);
}

std::vector<std::byte> from_hex(std::string_view hex) {
  const auto digit = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) << 4U | digit(hex[i + 1])));
  }
  return bytes;
}

/// A message built with FlatBuffers itself, as another language's client would.
template <class Build>
Result<Envelope, DecodeError> decode_built(fb::Message type, Build build) {
  flatbuffers::FlatBufferBuilder b;
  const auto message = build(b).Union();
  fb::FinishEnvelopeBuffer(b, fb::CreateEnvelope(b, 7, fb::Kind::Request, 0, type, message));
  return decode(std::as_bytes(std::span{b.GetBufferPointer(), b.GetSize()}));
}

TEST(ControlCodec, EveryMessageSurvivesTheRoundTrip) {
  const auto messages = sample_messages();
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ASSERT_EQ(messages[i].index(), i) << "samples are in the order of the union";
    const Envelope sent = envelope_of(messages[i]);
    const auto framed = encoded(sent);
    const auto got = decode(without_length(framed));
    ASSERT_TRUE(got) << message_name(messages[i]) << ": " << got.error().text;
    EXPECT_TRUE(*got == sent) << message_name(messages[i]);
  }
}

TEST(ControlCodec, TheVariantAndTheSchemaHaveOneOrder) {
  EXPECT_EQ(message_name(Message{Status{}}), "Status");
  EXPECT_EQ(message_name(Message{MemberOut{}}), "MemberOut");
  EXPECT_EQ(message_name(Message{IssuedTicket{}}), "IssuedTicket");
  EXPECT_EQ(static_cast<std::size_t>(fb::Message::MAX), std::variant_size_v<Message>);
  EXPECT_STREQ(fb::EnumNameStatusCode(fb::StatusCode::NotYet), "NotYet");
  EXPECT_EQ(static_cast<int>(fb::StatusCode::NotYet), static_cast<int>(StatusCode::kNotYet));
  EXPECT_EQ(static_cast<int>(fb::StatusCode::MAX), static_cast<int>(StatusCode::kRefused));
  EXPECT_EQ(static_cast<int>(fb::LeaveReason::MAX), static_cast<int>(LeaveReason::kUnreachable));
  EXPECT_EQ(static_cast<int>(fb::EndpointKind::MAX), static_cast<int>(EndpointKind::kWebSocket));
  EXPECT_EQ(static_cast<int>(fb::RecordingState::MAX), static_cast<int>(RecordingState::kFailed));
  EXPECT_EQ(static_cast<int>(fb::TrackKind::MAX), static_cast<int>(TrackKind::kData));
  EXPECT_EQ(static_cast<int>(fb::Kind::MAX), static_cast<int>(Kind::kEvent));
}

using B = flatbuffers::FlatBufferBuilder;

template <class Build>
void expect_default(fb::Message type, Build build, const Message& expected) {
  const auto got = decode_built(type, build);
  ASSERT_TRUE(got) << message_name(expected) << ": " << got.error().text;
  EXPECT_TRUE(got->message == expected) << message_name(expected);
}

/// A name that is good for a room, a user, a stream and a file.
flatbuffers::Offset<flatbuffers::String> r(B& b) { return b.CreateString("r"); }

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> key(B& b, std::size_t size) {
  return b.CreateVector(std::vector<std::uint8_t>(size, 0));
}

const RoomName room_r = room("r");
const UserName user_r = user("r");
const StreamName stream_r = stream("r");

TEST(ControlCodec, AbsentOptionalFieldsOfHelloAndRoomsAreTheirDefaults) {
  expect_default(
      fb::Message::Status, [](B& b) { return fb::CreateStatus(b); }, Status{});
  expect_default(
      fb::Message::Hello, [&](B& b) { return fb::CreateHello(b, 1, 0, key(b, 16), key(b, 32)); },
      Hello{});
  expect_default(
      fb::Message::Attach, [](B& b) { return fb::CreateAttach(b, 1); }, Attach{1, ""});
  expect_default(
      fb::Message::Attached, [&](B& b) { return fb::CreateAttached(b, false, 0, 0, key(b, 32)); },
      Attached{});
  expect_default(
      fb::Message::Resync, [&](B& b) { return fb::CreateResync(b, key(b, 16)); }, Resync{});
  expect_default(
      fb::Message::Resynced, [&](B& b) { return fb::CreateResynced(b, key(b, 16)); }, Resynced{});
  expect_default(
      fb::Message::Drain, [](B& b) { return fb::CreateDrain(b); }, Drain{});
  expect_default(
      fb::Message::OpenRoom, [&](B& b) { return fb::CreateOpenRoom(b, r(b)); },
      OpenRoom{room_r, {}, {}});
  expect_default(
      fb::Message::RoomUp, [&](B& b) { return fb::CreateRoomUp(b, r(b)); }, RoomUp{room_r, {}, {}});
  expect_default(
      fb::Message::ListRooms, [](B& b) { return fb::CreateListRooms(b); }, ListRooms{});
  expect_default(
      fb::Message::RoomList, [](B& b) { return fb::CreateRoomList(b); }, RoomList{});
}

TEST(ControlCodec, AbsentOptionalFieldsOfMembersAndStreamsAreTheirDefaults) {
  expect_default(
      fb::Message::Admit, [&](B& b) { return fb::CreateAdmit(b, r(b), r(b)); },
      Admit{room_r, user_r});
  expect_default(
      fb::Message::Kick, [&](B& b) { return fb::CreateKick(b, r(b), r(b)); },
      Kick{room_r, user_r, {}});
  expect_default(
      fb::Message::SetRights, [&](B& b) { return fb::CreateSetRights(b, r(b), r(b)); },
      SetRights{room_r, user_r, {}, 0});
  expect_default(
      fb::Message::MemberIn, [&](B& b) { return fb::CreateMemberIn(b, r(b), r(b)); },
      MemberIn{room_r, user_r});
  expect_default(
      fb::Message::MemberOut, [&](B& b) { return fb::CreateMemberOut(b, r(b), r(b)); },
      MemberOut{room_r, user_r});
  expect_default(
      fb::Message::ListMembers, [&](B& b) { return fb::CreateListMembers(b, r(b)); },
      ListMembers{room_r});
  expect_default(
      fb::Message::MemberList, [](B& b) { return fb::CreateMemberList(b); }, MemberList{});
  expect_default(
      fb::Message::StreamUp, [&](B& b) { return fb::CreateStreamUp(b, r(b), r(b), r(b)); },
      StreamUp{room_r, user_r, stream_r, {}});
  expect_default(
      fb::Message::Quality, [](B& b) { return fb::CreateQuality(b); }, Quality{});
  expect_default(
      fb::Message::Authorize, [](B& b) { return fb::CreateAuthorize(b); },
      Authorize{EndpointKind::kLink});
  expect_default(
      fb::Message::Authorized, [&](B& b) { return fb::CreateAuthorized(b, r(b), r(b)); },
      Authorized{room_r, user_r});
  expect_default(
      fb::Message::RecordingEvent,
      [&](B& b) { return fb::CreateRecordingEvent(b, r(b), r(b), r(b)); },
      RecordingEvent{room_r, stream_r, "r"});
  expect_default(
      fb::Message::IssueTicket, [&](B& b) { return fb::CreateIssueTicket(b, r(b), r(b)); },
      IssueTicket{room_r, user_r});
}

TEST(ControlCodec, AMessageWithoutAnyFieldIsMalformedWhereAFieldIsNeeded) {
  // An empty table has the same bytes for every message type.
  for (std::size_t i = 0; i < std::variant_size_v<Message>; ++i) {
    const auto type = static_cast<fb::Message>(i + 1);
    const auto got =
        decode_built(type, [](flatbuffers::FlatBufferBuilder& b) { return fb::CreateStatus(b); });
    const bool may_be_empty = type == fb::Message::Status || type == fb::Message::Drain ||
                              type == fb::Message::ListRooms || type == fb::Message::RoomList ||
                              type == fb::Message::MemberList || type == fb::Message::Quality ||
                              type == fb::Message::Authorize;
    EXPECT_EQ(got.has_value(), may_be_empty) << fb::EnumNameMessage(type);
    if (!got) {
      EXPECT_EQ(got.error().code, StatusCode::kMalformed);
      EXPECT_EQ(got.error().id, 7U);
      EXPECT_EQ(got.error().text.rfind(fb::EnumNameMessage(type), 0), 0U) << got.error().text;
    }
  }
}

TEST(ControlCodec, AMessageOfALaterVersionIsUnknownAndKeepsItsId) {
  const auto later = static_cast<fb::Message>(std::variant_size_v<Message> + 1);
  const auto got =
      decode_built(later, [](flatbuffers::FlatBufferBuilder& b) { return fb::CreateStatus(b); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, StatusCode::kUnknownMessage);
  EXPECT_EQ(got.error().id, 7U);
}

TEST(ControlCodec, AUnionWithATypeAndNoTableIsMalformed) {
  flatbuffers::FlatBufferBuilder b;
  fb::FinishEnvelopeBuffer(b, fb::CreateEnvelope(b, 7, fb::Kind::Request, 0, fb::Message::Kick, 0));
  const auto got = decode(std::as_bytes(std::span{b.GetBufferPointer(), b.GetSize()}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, StatusCode::kMalformed);
}

TEST(ControlCodec, ValuesOutsideTheirLimitsAreRefusedInBothDirections) {
  const std::string too_long(kTextBytesMax + 1, 'x');
  const RoomName r = room("r");

  const struct {
    Message message;
    const char* field;
  } cases[] = {
      {Status{StatusCode::kOk, too_long}, "text"},
      {Status{StatusCode::kOk, "bell \a"}, "text"},
      {Status{StatusCode::kOk, "delete \x7f"}, "text"},
      {Status{StatusCode::kOk, "lone \xC3"}, "text"},
      {Status{StatusCode::kOk, "overlong \xC0\x80"}, "text"},
      {Status{StatusCode::kOk, "overlong \xE0\x80\x80"}, "text"},
      {Status{StatusCode::kOk, "surrogate \xED\xA0\x80"}, "text"},
      {Status{StatusCode::kOk, "beyond \xF4\x90\x80\x80"}, "text"},
      {Attach{0, "rooms"}, "epoch"},
      {OpenRoom{r, {}, some_bytes(kBlobBytesMax + 1)}, "blob"},
      {CloseRoom{}, "room"},
      {Kick{r, {}, {}}, "user"},
      {SetRights{r, user("u"), {}, 128}, "rights"},
      {RoomList{std::vector<RoomSummary>(kPageEntriesMax + 1, RoomSummary{r}), false}, "rooms"},
      {Quality{
           std::vector<MemberQuality>(1, MemberQuality{r, user("u"), {}, 0, 0, 0, 1'000'001, 0})},
       "loss"},
      {StartRecording{r, stream("s"), "a/b"}, "file"},
      {StartRecording{r, stream("s"), ".."}, "file"},
      {StartRecording{r, stream("s"), std::string(256, 'f')}, "file"},
      {IssuedTicket{"a:1", {}, some_bytes(kTicketBytesMax + 1), {}, 0}, "ticket"},
      {IssuedTicket{"", {}, some_bytes(1), {}, 0}, "address"},
  };

  for (const auto& c : cases) {
    const auto framed = encode(envelope_of(c.message));
    ASSERT_FALSE(framed) << message_name(c.message) << ": " << c.field;
    EXPECT_NE(framed.error().message.find(c.field), std::string::npos) << framed.error().message;
  }
  const auto got = decode_built(fb::Message::Kick, [](flatbuffers::FlatBufferBuilder& b) {
    return fb::CreateKick(b, b.CreateString("not a name"), b.CreateString("u"));
  });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text.rfind("Kick: room: ", 0), 0U) << got.error().text;
}

TEST(ControlCodec, TextMayHoldAnyWrittenLanguage) {
  const auto framed = encode(envelope_of(Status{StatusCode::kOk, "пример 例 \xF0\x9F\x8E\xA5"}));
  EXPECT_TRUE(framed);
}

TEST(ControlCodec, ThePageOfTheLongestNamesFitsOneMessage) {
  MemberSummary member = sample_member(std::string(UserName::kLengthMax, 'u'));
  member.address = std::string(kMaskedAddressBytesMax, 'a');
  member.streams.assign(kMemberStreamsMax, stream(std::string(StreamName::kLengthMax, 's')));
  const Message members = MemberList{std::vector<MemberSummary>(kPageEntriesMax, member), true};
  EXPECT_TRUE(encode(envelope_of(members)));

  EXPECT_TRUE(encode(envelope_of(OpenRoom{room("r"), {}, some_bytes(kBlobBytesMax)})));
  const RoomName longest = room(std::string(RoomName::kLengthMax, 'r'));
  const MemberQuality quality{longest, member.user, InstanceId{UINT64_MAX}, 1, 1, 1, 1, 1};
  EXPECT_TRUE(
      encode(envelope_of(Quality{std::vector<MemberQuality>(kQualityEntriesMax, quality)})));
}

TEST(ControlCodec, AnEnumValueOfALaterVersionIsNamed) {
  const auto got = decode_built(fb::Message::MemberOut, [](flatbuffers::FlatBufferBuilder& b) {
    const auto reason = static_cast<fb::LeaveReason>(200);
    return fb::CreateMemberOut(b, b.CreateString("r"), b.CreateString("u"), 0, reason);
  });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text, "MemberOut: reason: a value this version does not know");
}

TEST(ControlCodec, MessagesOfTheFirstVersionAreStillUnderstood) {
  const auto messages = sample_messages();
  ASSERT_EQ(std::size(vectors::kControlMessages), messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& vector = vectors::kControlMessages[i];
    EXPECT_EQ(message_name(messages[i]), vector.name);
    const auto got = decode(from_hex(vector.hex));
    ASSERT_TRUE(got) << vector.name << ": " << got.error().text;
    EXPECT_TRUE(*got == envelope_of(messages[i])) << vector.name;
  }
}

TEST(ControlCodec, NoMutationOfAMessageDoesHarm) {
  std::mt19937 random{20240817};
  std::vector<std::vector<std::byte>> originals;
  for (const Message& message : sample_messages()) {
    const auto framed = encoded(envelope_of(message));
    originals.emplace_back(framed.begin() + kLengthPrefixBytes, framed.end());
  }
  std::size_t accepted = 0;
  for (int round = 0; round < 10'000; ++round) {
    auto bytes = originals[random() % originals.size()];
    const auto changes = 1 + random() % 4;
    for (std::size_t i = 0; i < changes; ++i) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    const auto got = decode(bytes);
    if (!got) continue;
    ++accepted;
    // What was accepted is within our limits, so it can be said again.
    const auto again = encode(*got);
    ASSERT_TRUE(again) << again.error().message;
    const auto twice = decode(without_length(*again));
    ASSERT_TRUE(twice);
    ASSERT_TRUE(*twice == *got);
  }
  EXPECT_GT(accepted, 100U) << "mutations must reach the code behind the verifier";
}

}  // namespace
}  // namespace sluice::schema
