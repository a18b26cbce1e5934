// Stats: what a client counted, and the JSON of `--stats`. The keys are an interface: scripts and
// the demo read them; keys() says what each means. What was not measured is absent in the struct
// and null in the JSON, never a made-up 0. Beside each number: for a pusher | for a subscriber.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/histogram.h"
#include "proto/base/drop_reason.h"
#include "proto/link/link_types.h"

namespace sluice::client {

struct Stats {
  bool pushing = false;
  std::uint64_t frames = 0;       // media frames handed to the link | written out
  std::uint64_t key_frames = 0;   // of those, video key frames
  std::uint64_t bytes_media = 0;  // bodies of those frames, as in the FLV
  std::uint64_t bytes_wire = 0;   // UDP payload sent | received
  std::uint64_t packets = 0;      // sent | received
  std::uint64_t lost = 0;         // taken for lost by us | did not reach us, as far as can be told
  std::uint64_t retransmitted = 0;  // parts sent again | parts that came again or behind newer ones
  std::uint64_t coded = 0;          // repair packets sent | received
  std::uint64_t recovered_by_retransmission = 0;  // 0 | parts that were missed, and came
  std::uint64_t recovered_by_fec = 0;             // 0 | parts that a repair brought back
  std::uint64_t late_frames = 0;                  // 0 | whole only after their time had passed
  std::uint64_t skipped_frames = 0;               // dropped before sending | given up
  std::uint64_t estimate_bps = 0;                 // what our direction carries; 0: not measured
  std::optional<std::int64_t> join_us, first_frame_us;  // from the start of the join
  Histogram rtt_us;
  Histogram play_out_delay_us;  // of a live pull, every 50 ms
  /// Of stamped frames that were pushed after the relay answered our SUBSCRIBE: arrival of the last
  /// part minus the pusher's stamp. Both clocks must be one host's.
  Histogram latency_us;
  std::array<std::uint64_t, kDropReasonCount> drops{};

  void count_drop(DropReason reason) { ++drops[static_cast<std::size_t>(reason)]; }

  void count_drops(const std::array<std::uint64_t, kDropReasonCount>& more) {
    for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += more[i];
  }

  /// Takes over what the link counted; its round trip is a sample every 50 ms, and so is the
  /// play-out delay of a live pull.
  void sample(Instant now, const link::LinkStats& link,
              std::optional<Duration> play_out_delay = std::nullopt);

  /// One JSON object and a line end.
  std::string to_json() const;

  /// What its keys mean, a line each: the text of --help.
  static std::string_view keys();

 private:
  Instant next_sample_ = kLongAgo;
};

}  // namespace sluice::client
