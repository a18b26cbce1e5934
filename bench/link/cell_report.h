// CellReport: everything a cell counted, as sums, so that runs of several seeds can be pooled; the
// ratios are made when it is written. Overhead is what a leg carried towards the subscriber, in
// UDP payload over the bodies of the media frames, minus one, without the first two seconds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/link/cell_ledger.h"
#include "bench/link/cell_options.h"
#include "client/histogram.h"
#include "proto/link/link_types.h"

namespace sluice::bench {

/// How the bytes of a leg were told apart.
enum class Split : std::uint8_t {
  kCounted,    // by the sending link
  kEstimated,  // from what the receiver got, scaled by the share that arrived
};

struct LegFigures {
  std::uint64_t media_bytes = 0;  // bodies of the frames that were pushed meanwhile
  std::uint64_t wire_bytes = 0;   // UDP payload, sender to receiver
  std::uint64_t back_bytes = 0;   // the other way: feedback and control
  // Of the wire's bytes; headers are what is left.
  double retransmitted_bytes = 0, coded_bytes = 0, probe_bytes = 0, control_bytes = 0;
  std::uint64_t parts_retransmitted = 0, repairs = 0;
  Split split = Split::kCounted;
  client::Histogram queue_us;  // at the bottleneck, sampled
  double queue_us_sum = 0;
  std::vector<std::uint64_t> estimate_bps, target_bps;  // of the sender's link, one a second
  /// By MissClass, as the sending link saw them; none where its bytes are estimated.
  std::array<link::MissCount, link::kMissClasses> misses{};

  double overhead() const;
  LegFigures& operator+=(const LegFigures& other);
};

struct SubscriberFigures {
  double loss = 0;
  LedgerFigures video, audio;
  LegFigures leg;
  std::int64_t play_out_ms = 0;     // at the end
  std::uint64_t parts_revived = 0;  // brought back by repairs, since the join
};

struct CellReport {
  CellOptions options;
  bool simulated = true;
  std::uint64_t runs = 1;
  LegFigures uplink;
  std::vector<SubscriberFigures> subscribers;
  std::uint64_t harness_late_frames = 0;

  /// The leg that is impaired; with both, the one that cost more.
  const LegFigures& impaired_leg() const;

  /// Adds a run of the same cell with another seed.
  void pool(const CellReport& other);
};

/// One JSON object, with a line end.
std::string cell_json(const CellReport& report);

/// The bytes that a link sent between two readings of its counters, told apart.
void split_by_sender(LegFigures& leg, const link::LinkStats& before, const link::LinkStats& after);

/// The same by what the other end received, of which the share `arrived` got through. Probes and
/// control are not told apart: they count as headers.
void split_by_receiver(LegFigures& leg, const link::LinkStats& before, const link::LinkStats& after,
                       double arrived);

}  // namespace sluice::bench
