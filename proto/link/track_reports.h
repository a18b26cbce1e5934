// TrackReports: what our FEEDBACK says of the tracks that this end waits on (P-FEEDBACK-03), as the
// owner of the link last set it. The two times of a report seldom change: they are stated in a few
// feedbacks when they did, and now and then.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/ids.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

class TrackReports {
 public:
  /// False when sixteen other tracks are reported on already.
  [[nodiscard]] bool set(const wire::TrackReport& report) {
    Entry* known = find(report.track);
    if (known == nullptr) {
      if (count_ == entries_.size()) return false;
      entries_[count_++] = {report, kStatements};
      return true;
    }
    const bool news = known->report.playout_delay_ms != report.playout_delay_ms ||
                      known->report.recover_within_ms != report.recover_within_ms;
    known->report = report;
    if (news) known->statements_left = kStatements;
    return true;
  }

  void clear(TrackId track) {
    Entry* known = find(track);
    if (known == nullptr) return;
    std::move(known + 1, entries_.data() + count_, known);
    --count_;
  }

  std::size_t size() const { return count_; }

  /// What the feedback of this number says of one of the tracks.
  wire::TrackReport next(std::size_t index, std::uint16_t feedback_number) {
    Entry& entry = entries_[index];
    wire::TrackReport report = entry.report;
    if (entry.statements_left > 0) {
      --entry.statements_left;
    } else if (feedback_number % kStateEvery != 0) {
      report.playout_delay_ms = report.recover_within_ms = wire::kNoMilliseconds;
    }
    return report;
  }

 private:
  struct Entry {
    wire::TrackReport report;
    std::uint8_t statements_left = 0;  // of its times
  };

  /// Four feedbacks in a row are all lost once in 600 times at 20 %; then the next of the others
  /// tells.
  static constexpr std::uint8_t kStatements = 4;
  static constexpr std::uint16_t kStateEvery = 16;

  Entry* find(TrackId track) {
    Entry* end = entries_.data() + count_;
    Entry* found =
        std::find_if(entries_.data(), end, [&](const auto& e) { return e.report.track == track; });
    return found == end ? nullptr : found;
  }

  std::array<Entry, wire::kTrackReportsMax> entries_{};
  std::size_t count_ = 0;
};

}  // namespace sluice::link
