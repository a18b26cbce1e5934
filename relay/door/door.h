// Door: the handshake half of the relay without its thread: decides about INITs in the order of
// P-HS-08, gives links their place, and is told when they end. Strangers get silence or a COOKIE
// and leave no byte of state behind; nothing allocates before a psk was proved. The thread
// (door_thread.h) and the simulation drive it alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/cookie.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"
#include "proto/crypto/used_tickets.h"
#include "relay/door/address_buckets.h"
#include "relay/door/directory.h"
#include "relay/door/load_meter.h"
#include "relay/door/void_tickets.h"
#include "relay/metrics.h"
#include "relay/worker/switchboard.h"

namespace sluice::relay {

/// Links that were accepted and have sent nothing yet; each keeps its ACCEPT (1.2 KiB) for 10 s.
/// Half refuses joins beyond 200 a second of clients that never speak; double costs 5 MB.
inline constexpr std::size_t kHalfOpenLinksMax = 4096;

struct DoorOptions {
  std::size_t workers = 1;
  RelayLimits limits;
  Placement placement = Placement::kLoad;
  bool loopback_only = false;
  const crypto::RelayIdentity* identity = nullptr;
  const crypto::TicketKey* ticket_key = nullptr;
  const SharedSecrets* secrets = nullptr;
  RandomSource random;
  std::span<const WorkerMetrics* const> worker_metrics;  // for their business; may be empty
};

class Door {
 public:
  Door(const DoorOptions& options, Switchboard& switchboard, DoorMetrics& metrics, Instant now);

  /// What to answer to `from`, if anything; valid until the next call.
  Bytes handle_datagram(Instant now, UnixSeconds wall, Bytes datagram, const Address& from);

  void handle_mail(Instant now, UnixSeconds wall);
  void handle_timeout(Instant now);

  /// After the inputs of a turn: mail leaves.
  void end_turn(Instant now);

  Instant next_deadline() const;

  const Directory& directory() const { return directory_; }

 private:
  /// An INIT that got past everything that costs little.
  struct Candidate {
    crypto::InitView init;
    crypto::Ticket ticket;
    std::optional<DropReason> refused;  // told only after the psk was proved
  };

  Bytes handle_init(Instant now, UnixSeconds wall, Bytes datagram, const Address& from);
  Bytes reset_stranger(Instant now, Bytes datagram);
  /// The first steps of P-HS-08; a reply or a drop ends them.
  Status<> check_address(Instant now, const crypto::InitView& init, const Address& from);
  Result<Candidate> open_candidate(Instant now, UnixSeconds wall, const crypto::InitView& init,
                                   const Address& from);
  std::optional<DropReason> reason_to_refuse(const crypto::Ticket& ticket,
                                             const crypto::InitView& init, UnixSeconds wall) const;
  Bytes answer_candidate(Instant now, UnixSeconds wall, const Candidate& candidate,
                         const Address& from);
  Bytes accept(Instant now, UnixSeconds wall, const Candidate& candidate,
               crypto::InitOpened& opened, const Address& from);
  Bytes refuse(const crypto::InitOpened& opened, crypto::HandshakeStatus status);
  Bytes cookie_reply(crypto::CookieStatus status, const crypto::ClientNonce& nonce,
                     const Address& from);
  Bytes drop(DropReason reason);
  crypto::ResumeTicket make_resume_ticket(const crypto::Ticket& ticket, UnixSeconds wall);
  void post_link(DoorLink& link, const Candidate& candidate, crypto::InitOpened& opened,
                 crypto::TrafficSecrets secrets, crypto::Suite suite, const Address& from);

  void handle(const LinkEstablished& mail);
  void handle(const LinkGone& mail);
  void handle(UnixSeconds wall, const AskKick& mail);
  void handle(const AskAdmit& mail);
  void handle(const AskOpenRoom& mail);
  void handle(Instant now, const AskDrain& mail);

  Bytes repeat_answer(std::uint32_t answer, const Address& from);
  std::uint32_t keep_answer(const crypto::AcceptMessage& message, const DoorLink& link,
                            const Address& to);
  void drop_answer(DoorLink& link);
  void answer_drained();
  void measure_workers(Instant now);
  void tell(std::size_t worker, Mail mail);
  void update_gauges(Instant now);

  DoorOptions options_;
  Switchboard& switchboard_;
  DoorMetrics& metrics_;
  crypto::CookieJar cookies_;
  crypto::UsedTickets used_;
  AddressBuckets buckets_;
  LoadMeter load_;
  VoidTickets voids_;
  Directory directory_;
  crypto::SuiteSet suites_;

  /// An ACCEPT that may be asked for again (P-HS-09).
  struct KeptAnswer {
    crypto::AcceptMessage message;
    ConnectionId connection{};
    Address to;
  };

  std::vector<KeptAnswer> answers_;
  std::vector<std::uint32_t> free_answers_;

  struct Draining {
    QuestionId question{};
    Instant close_at{};
    bool told = false;  // workers were told to close all
    bool answered = false;
  };

  std::optional<Draining> draining_;

  std::array<std::byte, kAcceptBytesMax> reply_{};
  double reset_tokens_ = 1;
  Instant reset_tokens_at_;
  Instant measure_at_;
  std::vector<std::uint64_t> busy_before_;
  Instant retry_at_ = kNever;
};

}  // namespace sluice::relay
