// Switchboard: every ring between the relay's threads, and how to wake them. Parties are the door,
// the workers and the main thread. post() never loses mail: what does not fit the ring waits with
// the sender, who retries in its next turn (flush). That backlog is bounded by what the senders
// themselves are bounded by: links, streams and the rate at which a member may send messages. In
// the simulation wake does nothing and one thread plays all parties.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "net/callback.h"
#include "relay/worker/handover.h"
#include "relay/worker/mail.h"
#include "relay/worker/spsc_ring.h"

namespace sluice::relay {

/// 0: the door, 1 .. workers: the workers, workers + 1: the main thread.
enum class Party : std::uint8_t {};

constexpr Party kDoorParty{0};

constexpr Party party_of(WorkerIndex worker) {
  return Party{static_cast<std::uint8_t>(static_cast<std::uint8_t>(worker) + 1)};
}

class Switchboard {
 public:
  explicit Switchboard(std::size_t workers);

  std::size_t workers() const { return workers_; }

  Party main_party() const { return Party{static_cast<std::uint8_t>(workers_ + 1)}; }

  /// Before the threads start: how `party` is woken, from any thread.
  void set_wake(Party party, net::Callback<> wake);

  /// From the thread of `from`, to another party.
  void post(Party from, Party to, Mail mail);

  /// From the thread of `from`: hands over what did not fit, and wakes whoever was written to since
  /// the last flush. Once a turn. Returns true when something still waits.
  bool flush(Party from);

  /// From the thread of `to`: the next mail of anyone, each sender's in order; nothing when none is
  /// left.
  std::unique_ptr<Mail> take(Party to);

  /// Media from one worker to another.
  HandoverRing& handover(WorkerIndex from, WorkerIndex to);

  /// The sender wrote to handover(from, to): the receiver is woken by the next flush.
  void touch(WorkerIndex from, WorkerIndex to) {
    sender(party_of(from)).touched |= bit(party_of(to));
  }

 private:
  using Ring = SpscRing<std::unique_ptr<Mail>>;

  struct Waiting {
    Party to{};
    std::unique_ptr<Mail> mail;
  };

  /// What belongs to the sending thread alone.
  struct alignas(64) Sender {
    std::deque<Waiting> waiting;
    std::uint64_t touched = 0;  // parties to wake
  };

  static constexpr std::uint64_t bit(Party party) { return 1ULL << static_cast<unsigned>(party); }

  std::size_t parties() const { return workers_ + 2; }

  Ring& ring(Party from, Party to) {
    return *rings_[static_cast<std::size_t>(from) * parties() + static_cast<std::size_t>(to)];
  }

  Sender& sender(Party party) { return senders_[static_cast<std::size_t>(party)]; }

  std::size_t workers_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<std::unique_ptr<HandoverRing>> handovers_;
  std::vector<Sender> senders_;
  std::vector<net::Callback<>> wakes_;
};

}  // namespace sluice::relay
