// Member: one user's link in a room, on the worker that owns the link: what it may do, what it
// pushes, what it subscribes to, and the messages that wait for its control window. Owned by its
// room; the worker's slot table points at it. Half-open (no authentic DATA yet) and leaving (CLOSE
// sent) members are not present: nothing is forwarded to them and nothing of theirs is looked at
// (P-HS-11).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/link/link.h"
#include "proto/wire/room_message.h"
#include "relay/allocation/admitted_rate.h"
#include "relay/metrics.h"
#include "relay/room/endpoint.h"
#include "relay/worker/mail.h"
#include "relay/worker/timer_heap.h"

namespace sluice::relay {

class Stream;
class Subscription;
class Room;

/// Track ids a link can give to what it receives.
inline constexpr std::size_t kSubscribedTracksMax = kTracksPerLinkMax - 1;
static_assert(kSubscribedTracksMax <= static_cast<std::size_t>(wire::kNoVideo));

/// SUBSCRIBE and UNSUBSCRIBE of names, remembered of one member.
inline constexpr std::size_t kSubscribeRulesMax = 256;

/// Room messages that wait for the control window of a member; beyond it the link is closed as too
/// slow. A room of 1000 members with streams makes 200 KB for a joiner.
inline constexpr std::size_t kMessageBacklogBytesMax = 1U << 20U;

/// Application messages that wait; beyond it the newest is dropped by name. What other members say
/// must never cost anybody the link. Half drops texts of 8 KiB to members 200 ms away sooner.
inline constexpr std::size_t kApplicationBacklogBytesMax = 256U << 10U;

/// What a waiting message costs besides its body, so that many small ones are bounded, too.
inline constexpr std::size_t kWaitingMessageBytes = 64;

/// Messages a member may send: this many at once, and so many a second for ever. Half cuts a client
/// that subscribes by name to a large room; double doubles what one member costs all others. Every
/// KiB of a body counts as one more: what is pushed and said goes to each of the others, whose
/// backlog takes two members' bursts of the largest messages.
inline constexpr double kMessagesBurst = 500;
inline constexpr double kMessagesPerSecond = 50;
inline constexpr double kBytesPerMessageToken = 1024;

class Member {
 public:
  enum class State : std::uint8_t {
    kHalfOpen,  // accepted, silent so far
    kJoining,   // established; the home has not confirmed yet
    kPresent,
    kLeaving,  // out of the room; CLOSE is being sent
  };

  /// What a stream's track is to this member.
  struct IngressTrack {
    Stream* stream = nullptr;
    std::uint8_t index = 0;
  };

  struct EgressTrack {
    Subscription* subscription = nullptr;
    std::uint8_t index = 0;  // in the stream
  };

  /// A SUBSCRIBE that stays. Empty name: all streams of others. No kind wanted: an UNSUBSCRIBE by
  /// name that is an exception to "all".
  struct Rule {
    StreamName stream;
    bool audio = false, video = false, data = false;
    std::uint16_t delay_max_ms = 0;
    std::uint8_t priority = 0;
    std::uint32_t video_bits_per_s_max = 0;  // 0: what fits

    bool wants(TrackKind kind) const;
  };

  /// A message held until the home has confirmed the member.
  struct HeldMessage {
    link::ControlStreamId stream{};
    std::uint8_t type = 0;
    std::vector<std::byte> body;
  };

  Member(Room& room, Pass pass, link::LinkSetup setup, ActiveMembers& active, Instant now);

  link::Link& link() { return std::get<UdpLink>(endpoint_).link; }

  const link::Link& link() const { return std::get<UdpLink>(endpoint_).link; }

  /// The worker will flush this member's endpoint at the end of the turn.
  void touch() {
    if (active_) return;
    active_ = true;
    active_members_.add(*this);
  }

  /// The worker will come to this member soon, after others: a hint.
  void prefetch() const {
    sluice::prefetch(&endpoint_, sizeof endpoint_);
    prefetch_through(active_, since_);
    prefetch_through(timer, subscriptions);
    sluice::prefetch(&backlogs_, sizeof backlogs_);
  }

  void clear_active() { active_ = false; }

  bool active() const { return active_; }

  /// Sends, or keeps the message until the control window opens. False when the stream's backlog is
  /// full: the caller closes the link for a room message, and drops an application message.
  [[nodiscard]] bool send(const wire::RoomMessage& message);
  [[nodiscard]] bool send(link::ControlStreamId stream, std::uint8_t type, Bytes body);
  void send_backlog();

  /// False when the member has sent more messages than it may.
  [[nodiscard]] bool take_message_token(Instant now, std::size_t body_bytes);

  /// False when the part would exceed the ticket's rate.
  [[nodiscard]] bool take_rate_tokens(Instant now, std::size_t bytes);

  // Tracks it pushes, by its own ids.
  const IngressTrack* ingress(TrackId id) const;
  void open_ingress(TrackId id, IngressTrack track);
  void close_ingress(const Stream& stream);

  // Track ids it is sent with. An id is used again as late as possible, so that packets still on
  // their way with the old meaning are gone by then.
  std::optional<TrackId> open_egress(EgressTrack track);
  void close_egress(TrackId id);
  const EgressTrack* egress(TrackId id) const;

  /// The rule that decides about this stream; nullptr when it is not subscribed to.
  const Rule* rule_for(const StreamName& stream) const;
  /// False when there are too many rules.
  [[nodiscard]] bool set_rule(const Rule& rule);
  void erase_rule(const StreamName& stream);

  void clear_rules() { rules_.clear(); }

  bool has_rule_for_all() const;

  Room& room() const { return room_; }

  const Pass& pass() const { return pass_; }

  void set_rights(crypto::Rights rights) { pass_.rights = rights; }

  ConnectionId connection() const { return pass_.connection; }

  State state() const { return state_; }

  void set_state(State state) { state_ = state; }

  /// Adds what the link has dropped since the last call.
  void count_drops(WorkerMetrics& metrics);

  bool present() const { return state_ == State::kPresent; }

  Instant since() const { return since_; }

  TimerHeap<Member>::Node timer;
  std::vector<Subscription*> subscriptions;
  std::vector<wire::RequestId> pushes_under_way;
  std::size_t streams_pushed = 0;  // with those under way
  std::vector<HeldMessage> held;
  std::vector<std::byte> early_room_bytes;
  std::optional<LeaveReason> leave_reason;  // set by whoever closes the link
  Instant session_ends = kNever;
  // For rates over the time between two ticks.
  std::uint64_t bytes_in_at_tick = 0, bytes_out_at_tick = 0;
  std::uint64_t bytes_in_per_s = 0, bytes_out_per_s = 0;
  link::LinkStats stats_at_tick;
  std::optional<AdmittedRate>
      admitted;  // what its subscriptions may take; unset: not looked at yet
  std::uint64_t granted_bits_per_s = 0;

 private:
  struct Waiting {
    std::uint8_t type = 0;
    std::vector<std::byte> body;

    std::size_t cost() const { return body.size() + kWaitingMessageBytes; }
  };

  struct Backlog {
    std::deque<Waiting> messages;
    std::size_t bytes = 0;
  };

  Room& room_;
  Pass pass_;
  Endpoint endpoint_;
  ActiveMembers& active_members_;
  State state_ = State::kHalfOpen;
  bool active_ = false;
  Instant since_;

  std::array<std::uint32_t, kDropReasonCount> drops_counted_{};

  std::array<std::uint8_t, kTracksPerLinkMax> ingress_at_;  // index + 1 into ingress_; 0: none
  std::vector<IngressTrack> ingress_;
  std::vector<EgressTrack> egress_;  // kSubscribedTracksMax once the first was opened
  std::size_t next_egress_ = 0;

  std::vector<Rule> rules_;
  std::array<Backlog, 2> backlogs_;  // by control stream: neither waits for the other
  double message_tokens_ = kMessagesBurst;
  Instant message_tokens_at_;
  double rate_tokens_ = 0;
  Instant rate_tokens_at_;
};

}  // namespace sluice::relay
