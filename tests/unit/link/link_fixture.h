// LinkTest: the fixture of the link's tests: a pair that has met, and two tracks of the relay's.
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/link/link_pair.h"

namespace sluice::link {

inline constexpr TrackId kVideo{1};
inline constexpr TrackId kAudio{2};

/// A pair whose handshake-to-first-packet moment is over.
struct LinkTest : testing::Test {
  LinkTest() {
    pair.exchange();
    pair.run(std::chrono::milliseconds{200});
    pair.client_events.clear();
    pair.relay_events.clear();
    pair.relay->open_egress_track(kVideo, &video.ring, Priority::kBase);
    pair.relay->open_egress_track(kAudio, &audio.ring, Priority::kAudio);
  }

  void queue(TestTrack& track, TrackId id, std::size_t bytes, Instant deadline = kNever) {
    const auto frame = track.add(bytes, next_timestamp += 20, false);
    ASSERT_TRUE(pair.relay->queue_media(id, frame.first, frame.count, deadline));
  }

  LinkPair pair;
  TestTrack video{TrackId{40}}, audio{TrackId{41}};
  std::uint32_t next_timestamp = 0;
};

}  // namespace sluice::link
