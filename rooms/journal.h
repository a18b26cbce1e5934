// Journal: the room service's memory on disk, one file in its state folder. Every change is
// appended with one write before the answer that tells of it goes out; a grown file is written anew
// from a snapshot. A process that is killed loses nothing; a machine that loses its power may lose
// what the kernel had not written yet (up to half a minute), as nothing waits for the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "net/socket.h"
#include "proto/base/result.h"
#include "rooms/change.h"

namespace sluice::rooms {

/// A file may grow to this, or to four times its snapshot, before it is written anew: half writes
/// snapshots of small services all the time, double only delays a restart by 50 ms.
inline constexpr std::uint64_t kJournalBytesMin = 4U << 20U;

class Journal {
 public:
  struct Opened;

  /// Reads what is there. Fails when another process has the folder, or when it cannot be read.
  /// What stands behind a damaged line is kept beside it as `journal.damaged`.
  static Result<Opened, Failure> open(const std::string& folder);

  /// On failure (a full disk) nothing of it is in the file, and the next call tries on.
  Status<Failure> append(std::span<const Change> changes);

  bool wants_snapshot() const { return bytes_ > limit_; }

  /// Replaces the file by these changes, whole or not at all.
  Status<Failure> write_snapshot(std::span<const Change> changes);

  std::uint64_t bytes() const { return bytes_; }

 private:
  explicit Journal(std::string folder) : folder_(std::move(folder)) {}

  std::string path() const { return folder_ + "/journal"; }

  std::string folder_;
  net::Fd lock_;  // of the folder, while we live
  net::Fd fd_;
  std::uint64_t bytes_ = 0;
  std::uint64_t limit_ = kJournalBytesMin;
};

struct Journal::Opened {
  Journal journal;
  std::vector<Change> changes;
  bool cut = false, damaged = false;
};

}  // namespace sluice::rooms
