// A pusher and a subscriber with a plain relay between them, in virtual time over impaired paths:
// the join with its repeats and its end, and media that arrives as it was pushed.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/client_link.h"
#include "client/flv_sink.h"
#include "client/media_source.h"
#include "client/pusher.h"
#include "client/stream_metadata.h"
#include "client/subscriber.h"
#include "sim/net.h"
#include "sim/xoshiro.h"
#include "tests/unit/client/client_nodes.h"
#include "tests/unit/client/flv_file.h"
#include "tests/unit/client/plain_relay.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Address kRelay = Address::v4(10, 0, 0, 1, 4400);
const Address kPusher = Address::v4(10, 0, 0, 2, 1000);
const Address kSubscriber = Address::v4(10, 0, 0, 3, 1000);

const StreamName kStream = *StreamName::parse("camera");

/// `seconds` of 25 fps video, a key frame every two seconds, and sound.
std::vector<std::byte> recording(std::uint32_t length_s, std::size_t frame_bytes) {
  FlvFile file;
  file.headers();
  for (std::uint32_t ms = 0; ms < length_s * 1000; ms += 20) {
    if (ms % 40 == 0) {
      std::vector<std::byte> body = avc_frame(ms % 2000 == 0, 0);
      while (body.size() < frame_bytes)
        body.push_back(static_cast<std::byte>(body.size() * 7 + ms));
      file.add(RtmpType::kVideo, ms, body);
    }
    file.add(RtmpType::kAudio, ms + 1, aac_frame(static_cast<int>(ms % 251)));
  }
  return file.bytes;
}

/// "type@timestamp:bodyhash" of the coded frames of one kind.
std::vector<std::string> coded(Bytes file, RtmpType type) {
  flv::TagReader reader;
  reader.feed(file);
  std::vector<std::string> result;
  while (const auto tag = reader.next()) {
    if (!tag->has_value() || (*tag)->type != type || to_u8((*tag)->body[1]) == 0) continue;
    result.push_back(std::to_string((*tag)->timestamp_ms) + ":" +
                     std::to_string(std::hash<std::string_view>{}(as_text((*tag)->body))));
  }
  return result;
}

class Call {
 public:
  Call(std::uint64_t seed, const sim::ImpairmentConfig& path)
      : generator_(seed), random(generator_.source()), relay(random), net(seed) {
    net.add(kRelay, relay);
    path_ = path;
  }

  void push(std::vector<std::byte> file, bool live = true) {
    auto source = MediaSource::of_bytes("in.flv", std::move(file), false);
    Pusher::Config config{kStream, (*source)->tracks(), true, live,
                          (*source)->data_is_metadata_only()};
    pusher.emplace(std::move(*source), std::move(config));
    net.add(kPusher, *pusher);
    net.connect(kPusher, kRelay, path_, path_);
    pusher->open({relay.issue("anna"), kRelay, pusher->pusher.first_commands(), kJoinDeadline,
                  random, uplink_bits_per_s},
                 net.now());
  }

  void pull(JitterBuffer::Config buffer = {}) {
    subscriber.emplace(Subscriber::Config{kStream, buffer, net.now()});
    net.add(kSubscriber, *subscriber);
    net.connect(kSubscriber, kRelay, path_, path_);
    subscriber->open({relay.issue("bert"), kRelay, subscriber->subscriber.first_commands(),
                      kJoinDeadline, random},
                     net.now());
  }

  bool run_to_the_end(Duration limit) {
    return net.run_until(net.now() + limit, [this] {
      return subscriber->subscriber.state() == Subscriber::State::kDone;
    });
  }

 private:
  sim::Xoshiro generator_;
  sim::ImpairmentConfig path_;

 public:
  std::uint64_t uplink_bits_per_s = kPacerBitsPerSecond;
  RandomSource random;
  PlainRelay relay;
  sim::SimNet net;
  std::optional<PusherNode> pusher;
  std::optional<SubscriberNode> subscriber;
};

void expect_all_arrived(Call& call, const std::vector<std::byte>& file) {
  for (const RtmpType type : {RtmpType::kVideo, RtmpType::kAudio}) {
    EXPECT_EQ(coded(call.subscriber->sink.pending(), type), coded(file, type));
  }
  EXPECT_EQ(call.subscriber->subscriber.stats().skipped_frames, 0U);
}

TEST(Call, EverythingArrivesAsItWasPushed) {
  Call call{1, {.latency = milliseconds{10}}};
  const auto file = recording(4, 9000);
  call.pull();
  call.push(file);
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  expect_all_arrived(call, file);
  EXPECT_EQ(call.subscriber->subscriber.stats().lost, 0U);
  EXPECT_EQ(call.pusher->pusher.state(), Pusher::State::kDone);
  EXPECT_EQ(call.pusher->pusher.error().code, ExitCode::kOk);
  // One way 10 ms twice, and nothing else on the way but the pacer.
  EXPECT_GE(*call.subscriber->subscriber.stats().latency_us.percentile(0.5), 20'000U * 99 / 100);
  EXPECT_LE(*call.subscriber->subscriber.stats().latency_us.percentile(0.5), 30'000U);
}

TEST(Call, NothingIsMissingAtFivePercentLossOnBothLegs) {
  for (const std::uint64_t seed : {2U, 3U, 4U}) {
    Call call{seed, {.latency = milliseconds{10}, .jitter = milliseconds{3}, .loss = 0.05}};
    const auto file = recording(4, 9000);
    call.pull();
    call.push(file);
    ASSERT_TRUE(call.run_to_the_end(seconds{20})) << "seed " << seed;
    expect_all_arrived(call, file);
    EXPECT_GT(call.subscriber->subscriber.stats().lost, 0U);
    EXPECT_GT(call.subscriber->subscriber.stats().recovered_by_retransmission, 0U);
  }
}

TEST(Call, ReorderingAndDuplicatesChangeNothing) {
  Call call{5, {.latency = milliseconds{10}, .duplicate = 0.03, .reorder = 0.05}};
  const auto file = recording(3, 5000);
  call.pull();
  call.push(file);
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  expect_all_arrived(call, file);
}

TEST(Call, AJoinInMidStreamBeginsAtAKeyFrame) {
  Call call{6, {.latency = milliseconds{5}}};
  const auto file = recording(6, 5000);
  call.push(file);
  call.net.run_for(milliseconds{1500});
  call.pull();
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  const auto got = coded(call.subscriber->sink.pending(), RtmpType::kVideo);
  const auto all = coded(file, RtmpType::kVideo);
  ASSERT_EQ(got.size(), 100U);  // from the key frame at 2 s to the end
  EXPECT_TRUE(std::equal(got.begin(), got.end(), all.end() - 100));
  EXPECT_GE(call.relay.key_requests, 1U);
}

/// What the pulled file says first.
std::string metadata_of(Call& call) {
  flv::TagReader reader;
  reader.feed(call.subscriber->sink.pending());
  const auto tag = reader.next();
  if (!tag || !tag->has_value() || (*tag)->type != RtmpType::kData) return {};
  return std::string{as_text((*tag)->body)};
}

std::vector<std::byte> recording_with_metadata() {
  FlvFile file;
  file.add(RtmpType::kData, 0, metadata(1920, 1080, 30));
  file.headers().frames(25);
  return file.bytes;
}

TEST(Call, WidthHeightAndFrameRateAreInThePulledFile) {
  Call call{15, {.latency = milliseconds{5}}};
  call.pull();
  call.push(recording_with_metadata());
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  const auto expected = stream_metadata(metadata(1920, 1080, 30));
  EXPECT_EQ(metadata_of(call), as_text(expected));
  EXPECT_EQ(call.subscriber->subscriber.stats().frames, 50U);
}

TEST(Call, ATicketWithoutTheRightToPushDataPushesTheRest) {
  Call call{16, {.latency = milliseconds{5}}};
  call.relay.data_allowed = false;
  call.pull();
  call.push(recording_with_metadata());
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  EXPECT_EQ(call.subscriber->subscriber.stats().frames, 50U);
  EXPECT_NE(metadata_of(call), "");
  EXPECT_EQ(metadata_of(call).find("width"), std::string::npos);
}

// The stream leaves before the link does, so that nobody waits when all CLOSE are lost.
TEST(Call, TheEndOfAPushIsToldByUnpush) {
  Call call{14, {.latency = milliseconds{5}}};
  call.pull();
  call.push(recording(1, 2000));
  ASSERT_TRUE(call.net.run_until(call.net.now() + seconds{20}, [&] {
    return call.subscriber->subscriber.state() == Subscriber::State::kEnding;
  }));
  EXPECT_EQ(call.relay.unpushed, 1U);
  EXPECT_EQ(call.pusher->pusher.state(), Pusher::State::kFinishing);  // the link is there still
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  EXPECT_EQ(call.subscriber->subscriber.end_reason(), "its pusher ended it");
  EXPECT_EQ(call.subscriber->subscriber.error().code, ExitCode::kOk);
  call.net.run_for(seconds{1});
  EXPECT_EQ(call.pusher->pusher.state(), Pusher::State::kDone);
}

TEST(Call, LatencyIsThatOfFramesPushedAfterTheJoin) {
  Call call{11, {.latency = milliseconds{5}}};
  call.relay.starts_with_cached_gop = true;
  call.push(recording(6, 5000));
  call.net.run_for(milliseconds{1500});
  call.pull();
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  const auto& stats = call.subscriber->subscriber.stats();
  EXPECT_GE(stats.frames, 140U) << "the cached GOP was not sent";
  EXPECT_GE(*stats.latency_us.percentile(0.0), 10'000U * 99 / 100);
  EXPECT_LE(*stats.latency_us.percentile(1.0), 20'000U) << "frames of the cached GOP are older";
}

TEST(Call, ACleanPathMakesNobodySendTwice) {
  Call call{12, {.latency = milliseconds{1}}};
  call.relay.starts_with_cached_gop = true;
  call.push(recording(6, 5000));
  call.net.run_for(milliseconds{1500});
  call.pull();
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  const auto& pushed = call.pusher->pusher.stats();
  EXPECT_EQ(pushed.lost, 0U);
  EXPECT_EQ(pushed.retransmitted, 0U);
  const auto& pulled = call.subscriber->subscriber.stats();
  EXPECT_EQ(pulled.lost, 0U);
  EXPECT_EQ(pulled.retransmitted, 0U);
  for (const std::uint64_t dropped : pulled.drops) EXPECT_EQ(dropped, 0U);
}

TEST(Call, ABusyRelayWhoseTimersAreLateIsNotTakenForALossyPath) {
  Call call{13, {.latency = milliseconds{1}}};
  call.relay.timers_late_by = milliseconds{9};
  call.push(recording(6, 900));  // so little that feedback is due by time, not by count
  call.pull();
  ASSERT_TRUE(call.run_to_the_end(seconds{20}));
  EXPECT_EQ(call.pusher->pusher.stats().lost, 0U);
  EXPECT_EQ(call.pusher->pusher.stats().retransmitted, 0U);
}

TEST(Call, ALiveSubscriberSkipsWhatDoesNotArriveInTime) {
  Call call{7, {.latency = milliseconds{40}, .loss = 0.1}};
  const auto file = recording(6, 5000);
  call.pull({PlayMode::kPlayOut, milliseconds{20}});
  call.push(file);
  call.run_to_the_end(seconds{20});
  const auto& stats = call.subscriber->subscriber.stats();
  EXPECT_GT(stats.skipped_frames, 0U);
  EXPECT_GT(stats.late_frames, 0U);
  EXPECT_GT(stats.frames, 100U);
  EXPECT_GE(call.relay.key_requests, 1U);
}

TEST(Call, ALivePusherDropsWholeFramesWhenThePathIsTooNarrow) {
  Call call{8, {.latency = milliseconds{5}}};
  call.uplink_bits_per_s = 1'000'000;
  call.pull();
  call.push(recording(5, 20'000));  // 4 Mbit/s
  ASSERT_TRUE(call.run_to_the_end(seconds{60}));
  const auto& pushed = call.pusher->pusher.stats();
  EXPECT_GT(pushed.drops[static_cast<std::size_t>(DropReason::kQueueFull)], 0U);
  EXPECT_GT(pushed.drops[static_cast<std::size_t>(DropReason::kBrokenUntilKey)], 0U);
  // Nothing was cut: what was sent at all arrived whole and decodable.
  const auto& pulled = call.subscriber->subscriber.stats();
  EXPECT_EQ(pulled.frames, pushed.frames);
  EXPECT_EQ(pulled.skipped_frames, 0U);
}

TEST(ClientLink, IsJoinedThroughLossWithinItsDeadline) {
  Call call{9, {.latency = milliseconds{20}, .loss = 0.5}};
  call.pull();
  ASSERT_TRUE(call.net.run_until(call.net.now() + seconds{10}, [&] {
    return call.subscriber->link->state() == ClientLink::State::kJoined;
  }));
  EXPECT_GE(*call.subscriber->link->join_time(), milliseconds{40});
}

// P-HS-10: INIT is repeated every 100 ms, so a lossy path costs tenths of a second.
TEST(ClientLink, JoinsWithinASecondAtThirtyPercentLoss) {
  std::vector<Duration> times;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Call call{seed, {.latency = milliseconds{50}, .loss = 0.3}};
    call.pull();
    call.net.run_until(call.net.now() + seconds{10}, [&] {
      return call.subscriber->link->state() != ClientLink::State::kJoining;
    });
    times.push_back(call.subscriber->link->join_time().value_or(seconds{10}));
  }
  std::sort(times.begin(), times.end());
  EXPECT_LT(times[500], milliseconds{300});
  EXPECT_LT(times[990], seconds{1});
  EXPECT_LT(times[999], seconds{3}) << "nobody is given up";
}

TEST(ClientLink, SaysWhatWasTriedWhenNobodyAnswers) {
  Call call{10, {.latency = milliseconds{1}}};
  call.relay.silent = true;
  call.pull();
  call.net.run_for(milliseconds{9999});
  EXPECT_EQ(call.subscriber->link->state(), ClientLink::State::kJoining);
  call.net.run_for(milliseconds{2});
  ASSERT_EQ(call.subscriber->link->state(), ClientLink::State::kFailed);
  EXPECT_EQ(call.subscriber->link->error().code, ExitCode::kUnreachable);
  EXPECT_NE(
      call.subscriber->link->error().message.find("no answer from 10.0.0.1:4400 within 10 s ("),
      std::string::npos);
  call.net.run_for(seconds{5});
  EXPECT_EQ(call.subscriber->link->next_deadline(), kNever);
}

// P-HS-02, P-HS-13
TEST(ClientLink, SaysThatThePathIsTooSmall) {
  const sim::ImpairmentConfig small{.latency = milliseconds{10}, .mtu_bytes = 1231};
  const sim::ImpairmentConfig full{.latency = milliseconds{10}, .mtu_bytes = 1232};

  const struct {
    sim::ImpairmentConfig up, down;
    ExitCode code;
    const char* words;
  } table[] = {
      {small, full, ExitCode::kUnreachable, "datagrams of 1232 bytes get lost on the way"},
      {full, small, ExitCode::kRefused, "or datagrams of 1232 bytes get lost on the way back"},
      {full, full, ExitCode::kOk, ""},
  };

  for (const auto& c : table) {
    Call call{10, full};
    call.pull();
    call.net.connect(kSubscriber, kRelay, c.up, c.down);
    call.net.run_for(seconds{11});
    EXPECT_EQ(call.subscriber->link->error().code, c.code);
    EXPECT_NE(call.subscriber->link->error().message.find(c.words), std::string::npos)
        << call.subscriber->link->error().message;
  }
}

// P-HS-13
TEST(ClientLink, TellsATicketThatIsNotKnownFromARelayThatIsNotThere) {
  Call call{10, {.latency = milliseconds{10}}};
  call.pull();
  PlainRelay other{call.random};
  call.subscriber->open({other.issue("bert"), kRelay, {}, kJoinDeadline, call.random},
                        call.net.now());
  call.net.run_for(seconds{11});
  ASSERT_EQ(call.subscriber->link->state(), ClientLink::State::kFailed);
  EXPECT_EQ(call.subscriber->link->error().code, ExitCode::kRefused);
  EXPECT_NE(call.subscriber->link->error().message.find("but not to this ticket"),
            std::string::npos);
}

TEST(ClientLink, GivesTheReasonOfARefusal) {
  const struct {
    crypto::HandshakeStatus status;
    std::string words;
  } table[] = {
      {crypto::HandshakeStatus::kTicketExpired, "has expired"},
      {crypto::HandshakeStatus::kTicketReplayed, "was used before"},
      {crypto::HandshakeStatus::kTicketForeign, "made for another relay"},
      {crypto::HandshakeStatus::kRoomFull, "room is full"},
      {crypto::HandshakeStatus::kDraining, "being shut down"},
  };

  for (const auto& row : table) {
    Call call{11, {.latency = milliseconds{1}}};
    call.relay.refuse_with = row.status;
    call.pull();
    call.net.run_for(seconds{1});
    ASSERT_EQ(call.subscriber->link->state(), ClientLink::State::kFailed);
    EXPECT_EQ(call.subscriber->link->error().code, ExitCode::kRefused);
    EXPECT_NE(call.subscriber->link->error().message.find(row.words), std::string::npos)
        << call.subscriber->link->error().message;
  }
}

TEST(Pusher, GivesTheReasonOfARefusedStream) {
  const struct {
    wire::AnswerStatus status;
    ExitCode code;
    std::string words;
  } table[] = {
      {wire::AnswerStatus::kNotAllowed, ExitCode::kRefused, "not allowed to push camera"},
      {wire::AnswerStatus::kNameTaken, ExitCode::kRefused, "another user pushes camera"},
      {wire::AnswerStatus::kCodecNotCarried, ExitCode::kBadInput, "codecs"},
  };

  for (const auto& row : table) {
    Call call{12, {.latency = milliseconds{1}}};
    call.relay.push_status = row.status;
    call.push(recording(1, 1000));
    call.net.run_for(seconds{1});
    EXPECT_EQ(call.pusher->pusher.state(), Pusher::State::kRefused);
    EXPECT_EQ(call.pusher->pusher.error().code, row.code);
    EXPECT_NE(call.pusher->pusher.error().message.find(row.words), std::string::npos);
    EXPECT_EQ(call.pusher->pusher.stats().frames, 0U);
  }
}

}  // namespace
}  // namespace sluice::client
