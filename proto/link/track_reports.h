// TrackReports: what our FEEDBACK says of the tracks that this end waits on (P-FEEDBACK-03), as the
// owner of the link last set it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "proto/base/ids.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

class TrackReports {
 public:
  /// False when sixteen other tracks are reported on already.
  [[nodiscard]] bool set(const wire::TrackReport& report) {
    if (wire::TrackReport* known = find(report.track)) {
      *known = report;
      return true;
    }
    if (count_ == reports_.size()) return false;
    reports_[count_++] = report;
    return true;
  }

  void clear(TrackId track) {
    wire::TrackReport* known = find(track);
    if (known == nullptr) return;
    std::move(known + 1, reports_.data() + count_, known);
    --count_;
  }

  std::span<const wire::TrackReport> all() const { return {reports_.data(), count_}; }

 private:
  wire::TrackReport* find(TrackId track) {
    wire::TrackReport* end = reports_.data() + count_;
    wire::TrackReport* found =
        std::find_if(reports_.data(), end, [&](const auto& r) { return r.track == track; });
    return found == end ? nullptr : found;
  }

  std::array<wire::TrackReport, wire::kTrackReportsMax> reports_{};
  std::size_t count_ = 0;
};

}  // namespace sluice::link
