// Worker: the media half of the relay without its thread: links by connection id, their deadlines,
// the branches of rooms, and the turn of the loop: datagrams and mail in, then end_turn(), then
// flush(). The thread (worker_thread.h) and the simulation drive it alike. One Worker shares
// nothing with another but the Switchboard.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/callback.h"
#include "proto/base/random.h"
#include "proto/crypto/keys.h"
#include "proto/link/link.h"
#include "relay/metrics.h"
#include "relay/relay.h"
#include "relay/room/room.h"
#include "relay/worker/courier.h"
#include "relay/worker/switchboard.h"
#include "relay/worker/timer_heap.h"

namespace sluice::relay {

/// What door and workers must agree on.
struct SharedSecrets {
  crypto::ResetSecret reset;
  std::uint64_t connection_mask = 0;
  std::uint8_t generation = 0;  // in connection ids: another in each life of the relay
};

/// RESETs of the whole relay in a second (P-RESET-01), shared out over its threads.
inline constexpr double kResetsPerSecond = 100;

struct WorkerOptions {
  WorkerIndex self{};
  RelayLimits limits;
  const SharedSecrets* secrets = nullptr;
  RandomSource random;
  std::uint64_t pacer_bits_per_s = kPacerBitsPerSecond;  // of each link; 0: not paced
};

/// Full runs in the send arena before it must be flushed. 158 KB: the kernel reads it while it is
/// in the second-level cache, and the links' tables stay there. A quarter makes twice the calls;
/// 64, what one sendmmsg takes, empties a cache of 1 MiB with each frame.
inline constexpr std::size_t kWorkerArenaRuns = 8;
inline constexpr std::size_t kWorkerArenaBytes =
    kWorkerArenaRuns * kRunPacketsMax * kDatagramBytesMax;

/// Where a worker's packets go. flush: what was sent may be overwritten afterwards.
struct WorkerOutput {
  net::Callback<const link::Transmit&> send;
  net::Callback<> flush;
};

class Worker {
 public:
  Worker(const WorkerOptions& options, Switchboard& switchboard, WorkerMetrics& metrics,
         Instant now);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Input.

  void handle_datagram(Instant now, MutableBytes datagram, const Address& from, std::uint8_t ecn);

  /// This datagram will be handled soon, after others: a hint that changes nothing.
  void prefetch(Bytes datagram, Ahead ahead);

  /// Mail, and media from other workers, as much as one turn may take.
  void handle_mail(Instant now);
  void handle_timeout(Instant now);

  // Output.

  /// After the inputs of a turn: rooms forward what was collected, mail leaves.
  void end_turn(Instant now);

  /// Every link with work gets its share, another one first each time.
  void flush(Instant now, const WorkerOutput& output);

  Instant next_deadline() const;

  /// Every link goes, with CLOSE draining.
  void close_all(Instant now) { handle(now, CloseAll{}); }

  /// Media was forwarded since the last call.
  bool take_forwarded();

  std::size_t links() const { return links_; }

  /// What the link of this id counted; nothing when there is none. For measurements.
  std::optional<link::LinkStats> link_stats(ConnectionId connection);

 private:
  struct Slot {
    ConnectionId connection{};
    Member* member = nullptr;
  };

  struct PendingReset {
    Address to;
    std::array<std::byte, kResetBytes> bytes;
  };

  void handle_one(Instant now, Mail& mail);
  void handle_handovers(Instant now);

  // Mail of which a room is not just handed its part.
  void handle(Instant now, NewLink&& mail);
  void handle(Instant now, const DoubtAddress& mail);
  void handle(Instant now, const CloseLink& mail);
  void handle(Instant now, const RoomEnd& mail);
  void handle(Instant now, const CloseAll& mail);
  void handle(Instant now, const Join& mail);
  void handle(Instant now, const LinkGone& mail);
  void handle(Instant now, const AskRooms& mail);
  void handle(Instant now, const AskMembers& mail);
  void handle(Instant now, const AskKey& mail);
  void handle(Instant now, const AskRights& mail);

  Room& room_for(Instant now, const RoomOpening& opening);
  Room* find_room(RoomId id);
  Member* find_link(ConnectionId connection);
  void drain_events(Instant now, Member& member);
  void erase_link(Member& member);
  void reset_stranger(Instant now, ConnectionId connection, const Address& to);
  void flush_member(Instant now, Member& member, const WorkerOutput& output);

  WorkerOptions options_;
  Switchboard& switchboard_;
  WorkerMetrics& metrics_;
  Courier courier_;
  ActiveMembers active_;
  std::vector<RoomId> dirty_rooms_, dirty_taken_;
  RoomContext context_;
  std::unordered_map<RoomId, std::unique_ptr<Room>> rooms_;
  std::vector<Slot> slots_;
  std::size_t links_ = 0;
  TimerHeap<Member> timers_;
  Instant next_tick_ = kNever;
  Instant next_allocation_ = kNever;
  bool more_input_ = false;
  Instant retry_at_ = kNever;  // input or mail is left over
  std::vector<Member*> flushing_;
  std::size_t rotation_ = 0;
  std::vector<std::byte> arena_memory_;
  link::SendArena arena_;
  std::vector<PendingReset> resets_;
  double reset_tokens_ = 1;
  Instant reset_tokens_at_;
  std::uint64_t forwarded_seen_ = 0;
};

}  // namespace sluice::relay
