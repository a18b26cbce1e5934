// Members that hold a good ticket and lie about recovery: acknowledgements of what was never sent
// or of nothing, repairs that contradict the media, windows that cannot be, losses that did not
// happen. Each lie is a bounded amount of work and a counted reason; who lies beyond what a broken
// path could explain is closed; and another member's media comes as it would have come.
#include <functional>

#include <gtest/gtest.h>

#include "proto/link/ingress.h"
#include "tests/sim/relay/open_house.h"
#include "tests/unit/link/test_peer.h"

namespace sluice::sim {
namespace {

constexpr TrackId kEvesTrack{0};
constexpr int kSteps = 300;
constexpr Duration kStep = milliseconds{5};

/// A member that pushes 60 parts of a picture each and keeps one of them back, and watches.
struct Eve {
  explicit Eve(OpenHouse& house) : member(house.join_raw("eve", {push(), wire::Subscribe{}})) {
    wire::Fragmenter fragmenter{kEvesTrack};
    for (std::uint32_t i = 0; i < 60; ++i) {
      const std::vector<std::byte> body(600, static_cast<std::byte>(i));
      const wire::MediaFrame frame{
          .timestamp_ms = i, .keyframe = i == 0, .config = {}, .body = body};
      CHECK(fragmenter.write(frame, [&](const wire::MediaHeader&, Bytes part) {
        if (i != kKeptBack) send_part(part);
        last_part.assign(part.begin(), part.end());
      }));
    }
    house.net.run_for(milliseconds{50});
  }

  static constexpr std::uint32_t kKeptBack = 30;

  static wire::RoomMessage push() {
    wire::Push push;
    push.stream = *StreamName::parse("lie");
    push.tracks.push_back({kEvesTrack, TrackKind::kVideo, FourCC::kAvc, 0, false, {}});
    return push;
  }

  void send_part(Bytes part) {
    member.send(
        [&](wire::FrameWriter& frames) { CHECK(frames.append_final_part(part, kEvesTrack)); });
  }

  void repair(std::uint32_t first, std::uint16_t span, int seed, std::size_t coded_bytes) {
    const std::vector<std::byte> coded(coded_bytes, static_cast<std::byte>(seed | 1));
    const wire::RepairView view{.track = kEvesTrack,
                                .first = Seq{first},
                                .span = span,
                                .seed = static_cast<std::uint16_t>(seed),
                                .coded = coded};
    member.send([&](wire::FrameWriter& frames) { CHECK(frames.append(view)); });
  }

  void raw(wire::FrameType type, const std::vector<std::uint8_t>& body) {
    member.send([&](wire::FrameWriter& frames) {
      link::append_raw(frames, static_cast<std::uint8_t>(type), body);
    });
  }

  RawMember& member;
  std::vector<std::byte> last_part;
};

/// What Bob, who watches Ann, got while Eve did what `act` does every 5 ms.
struct Outcome {
  std::vector<RelayClient::Arrival> arrivals;
  std::uint64_t bytes_to_bob = 0;
  std::size_t bytes_to_eve = 0;
  std::optional<wire::CloseCode> eve_closed;
  std::uint64_t counted = 0;  // drops for the reason asked for
};

using Act = std::function<void(Eve&, int step)>;

Outcome outcome_of(const Act& act, DropReason reason) {
  OpenHouse house;
  house.join("room", "ann", pushing({"cam"}, false), path(0, milliseconds{5}));
  RelayClientConfig watches_cam;
  watches_cam.subscribe_all = false;
  watches_cam.subscribe = {"cam"};
  RelayClient& bob = house.join("room", "bob", watches_cam, path(0, milliseconds{15}));
  house.net.run_for(seconds{1});
  Eve eve{house};
  for (int i = 0; i < kSteps; ++i) {
    if (!eve.member.closed) act(eve, i);
    house.net.run_for(kStep);
  }
  house.net.run_for(seconds{1});
  EXPECT_FALSE(bob.closed.has_value());
  return {bob.arrivals, bob.link()->stats().bytes_received, eve.member.bytes_received,
          eve.member.closed, house.relay.drops(reason)};
}

void acknowledge(Eve& eve, int number, std::uint64_t from_highest) {
  if (!eve.member.highest()) return;
  const PacketNumber highest = *eve.member.highest();
  wire::Feedback feedback;
  feedback.number = static_cast<std::uint16_t>(number);
  CHECK(feedback.add_range({{highest.value - std::min(highest.value, from_highest)}, highest}));
  eve.member.send([&](wire::FrameWriter& frames) { CHECK(frames.append(feedback)); });
}

/// As an honest member does it.
void behave(Eve& eve, int step) { acknowledge(eve, step, 20); }

/// A repair of parts 28 and on, that names those of `bitmap` among `span` of them.
void odd_coefficients(Eve& eve, std::uint8_t span, std::uint8_t bitmap) {
  const auto span_less_one = static_cast<std::uint8_t>(span - 1);
  // Track, first, span, seed, flags, bitmap, coded.
  eve.raw(wire::FrameType::kRepair,
          {0, 0, 0, 28, span_less_one, 0, 1, 1, bitmap, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9});
  behave(eve, 0);
}

/// Parts came to Bob at the same times, and no more bytes.
void expect_unmoved(const Outcome& calm, const Outcome& stormy) {
  ASSERT_GT(calm.arrivals.size(), 300U);
  ASSERT_EQ(calm.arrivals.size(), stormy.arrivals.size());
  for (std::size_t i = 0; i < calm.arrivals.size(); ++i) {
    ASSERT_EQ(calm.arrivals[i].seq, stormy.arrivals[i].seq);
    const Duration moved = stormy.arrivals[i].at - calm.arrivals[i].at;
    ASSERT_LE(std::max(moved, -moved), milliseconds{1}) << i;
  }
  EXPECT_NEAR(static_cast<double>(stormy.bytes_to_bob), static_cast<double>(calm.bytes_to_bob),
              0.001 * static_cast<double>(calm.bytes_to_bob));
}

struct Lie {
  const char* name;
  Act act;
  DropReason reason;
  std::uint64_t counted_min, counted_max;
  bool closed;
};

const std::uint64_t kEach = kSteps;  // every lie is counted, and none ends the link

/// A link is closed behind this many repairs that contradict the media.
const std::uint64_t kRepairs = link::kImplausibleRepairsMax + 1;

std::vector<Lie> lies() {
  return {
      {"acknowledges what was never sent",
       [](Eve& eve, int) {
         wire::Feedback feedback;
         CHECK(feedback.add_range({{1'000'000}, {1'000'000}}));
         eve.member.send([&](wire::FrameWriter& frames) { CHECK(frames.append(feedback)); });
       },
       DropReason::kFeedbackOfUnsent, 1, 1, true},
      {"acknowledges nothing ever",
       [](Eve& eve, int step) {
         if (step % 20 == 0)
           eve.member.send([](wire::FrameWriter& frames) { CHECK(frames.append(wire::Ping{})); });
       },
       DropReason::kFeedbackOfUnsent, 0, 0, false},
      {"misses everything always", [](Eve& eve, int step) { acknowledge(eve, step, 0); },
       DropReason::kFeedbackOfUnsent, 0, 0, false},
      {"ranges below zero",
       [](Eve& eve, int) {
         // Highest 20, two ranges: 10 packets, 3 that are missing, and 10 more.
         eve.raw(wire::FrameType::kFeedback, {0, 1, 20, 0, 1, 10, 0xCA});
         behave(eve, 0);
       },
       DropReason::kMalformed, kEach, kEach, false},
      {"ranges out of order",
       [](Eve& eve, int) {
         // A gap of nothing: the second range begins inside the first.
         eve.raw(wire::FrameType::kFeedback, {0, 1, 20, 0, 1, 5, 0x02, 0});
         behave(eve, 0);
       },
       DropReason::kMalformed, kEach, kEach, false},
      {"a repair shorter than a part it names",
       [](Eve& eve, int step) { eve.repair(Eve::kKeptBack - 2, 5, step, 100); },
       DropReason::kRepairImplausible, kRepairs, kRepairs, true},
      {"a repair of what the track has not come to",
       [](Eve& eve, int step) {
         eve.repair(100'000, 256, step, 700);
         eve.send_part(eve.last_part);
       },
       DropReason::kRepairImplausible, kRepairs, kRepairs, true},
      {"a repair whose sum is no part",
       [](Eve& eve, int step) { eve.repair(Eve::kKeptBack - 2, 5, step, 700); },
       DropReason::kRepairImplausible, kRepairs, kRepairs, true},
      {"repairs of parts that nobody sends",
       [](Eve& eve, int step) {
         eve.repair(60 + static_cast<std::uint32_t>(step), 256, step, 700);
         behave(eve, step);
       },
       DropReason::kRepairImplausible, 0, 0, false},
      {"coefficients of no part", [](Eve& eve, int) { odd_coefficients(eve, 8, 0); },
       DropReason::kMalformed, kEach, kEach, false},
      {"coefficients beyond the span", [](Eve& eve, int) { odd_coefficients(eve, 4, 0xFF); },
       DropReason::kMalformed, kEach, kEach, false},
  };
}

// P-FEEDBACK-05, P-REPAIR-04
TEST(Liar, CostsNobodyElseAnythingAndIsCounted) {
  const Outcome calm = outcome_of(behave, DropReason::kMalformed);
  ASSERT_FALSE(calm.eve_closed.has_value());
  for (const Lie& lie : lies()) {
    SCOPED_TRACE(lie.name);
    const Outcome stormy = outcome_of(lie.act, lie.reason);
    expect_unmoved(calm, stormy);
    EXPECT_GE(stormy.counted, lie.counted_min);
    EXPECT_LE(stormy.counted, lie.counted_max);
    EXPECT_EQ(stormy.eve_closed.has_value(), lie.closed);
    if (lie.closed) {
      EXPECT_EQ(stormy.eve_closed, wire::CloseCode::kProtocolError);
    }
    // Each part at most twice again, and repairs for four fifths of them.
    EXPECT_LT(stormy.bytes_to_eve, 4 * calm.bytes_to_eve);
  }
}

}  // namespace
}  // namespace sluice::sim
