#include "relay/door/door.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "proto/wire/packet.h"

namespace sluice::relay {

namespace {

using crypto::HandshakeStatus;

constexpr Duration kMeasureEvery = std::chrono::seconds{1};
constexpr Duration kMailRetry = std::chrono::milliseconds{1};

/// How long a client may come back without asking the room service (P-TICKET-02).
constexpr std::int64_t kResumeSeconds = 600;

}  // namespace

Door::Door(const DoorOptions& options, Switchboard& switchboard, DoorMetrics& metrics, Instant now)
    : options_(options),
      switchboard_(switchboard),
      metrics_(metrics),
      cookies_(now, options.random),
      used_(options.random),
      buckets_(options.random, now),
      load_(now),
      directory_({options.workers, options.limits, options.placement,
                  options.secrets->connection_mask, options.secrets->generation, options.random}),
      suites_(crypto::preferred_suites()),
      reset_tokens_at_(now),
      measure_at_(now + kMeasureEvery),
      busy_before_(options.worker_metrics.size()) {}

Bytes Door::handle_datagram(Instant now, UnixSeconds wall, Bytes datagram, const Address& from) {
  const Result<wire::PacketType> type = wire::classify(datagram, wire::Direction::kToRelay);
  metrics_.in.add(PacketKind::kHandshake, datagram.size());
  if (!type) return drop(type.error());
  switch (*type) {
    case wire::PacketType::kInit:
      return handle_init(now, wall, datagram, from);
    case wire::PacketType::kData:
      // Of a worker that this relay does not have: a link of an earlier life.
      metrics_.drop(DropReason::kUnknownConnection);
      return reset_stranger(now, datagram);
    case wire::PacketType::kCookie:
    case wire::PacketType::kAccept:
    case wire::PacketType::kReset:
      return drop(DropReason::kUnknownType);
  }
  return drop(DropReason::kUnknownType);
}

// P-HS-08, in its order.
Bytes Door::handle_init(Instant now, UnixSeconds wall, Bytes datagram, const Address& from) {
  load_.add_init(now);
  if (options_.loopback_only && !from.is_loopback()) return drop(DropReason::kNotAllowed);
  const crypto::RelayKey& key = options_.identity->key;
  const Result<crypto::InitView> init = crypto::parse_init(datagram);
  if (!init) {
    if (init.error() != DropReason::kBadVersion) return drop(init.error());
    if (!crypto::verify_mac1(key, datagram)) return drop(DropReason::kBadMac1);
    metrics_.drop(DropReason::kBadVersion);
    if (!buckets_.take(from, now)) return drop(DropReason::kRateLimited);
    return cookie_reply(crypto::CookieStatus::kUnknownVersion, crypto::init_nonce(datagram), from);
  }
  if (const Status<> mac = crypto::verify_mac1(key, *init); !mac) return drop(mac.error());
  if (const Status<> address = check_address(now, *init, from); !address) {
    metrics_.drop(address.error());
    if (address.error() == DropReason::kRateLimited) return {};
    return cookie_reply(crypto::CookieStatus::kCookieNeeded, init->nonce, from);
  }
  const Result<Candidate> candidate = open_candidate(now, wall, *init, from);
  if (!candidate) return drop(candidate.error());
  // P-HS-09: the same INIT gets the same ACCEPT, also when its ticket expired meanwhile.
  const crypto::UsedTickets::Found found = used_.find(candidate->ticket.jti, init->mac1);
  if (found.use == crypto::UsedTickets::Use::kSameInit) {
    return repeat_answer(found.answer, from);
  }
  return answer_candidate(now, wall, *candidate, from);
}

Status<> Door::check_address(Instant now, const crypto::InitView& init, const Address& from) {
  cookies_.turn_over(now, options_.random);
  const Status<> cookie = cookies_.verify(from, init.nonce, init.cookie);
  if (cookie) {
    if (buckets_.exhausted(from, now)) return Unexpected{DropReason::kRateLimited};
    return Done{};
  }
  // Without a cookie the neighbourhood's share is used; when it is used up, or the door is under
  // load, a cookie is asked for: it costs the peer one round trip and us nothing we keep.
  if (load_.under_load(now) || !buckets_.take(from, now)) return Unexpected{cookie.error()};
  return Done{};
}

Result<Door::Candidate> Door::open_candidate(Instant now, UnixSeconds wall,
                                             const crypto::InitView& init, const Address& from) {
  Result<crypto::Ticket> ticket = crypto::open_ticket(*options_.ticket_key, init.ticket);
  if (!ticket) {
    buckets_.penalize(from, now);
    return Unexpected{ticket.error()};
  }
  Candidate candidate{init, std::move(*ticket), std::nullopt};
  candidate.refused = reason_to_refuse(candidate.ticket, init, wall);
  return candidate;
}

std::optional<DropReason> Door::reason_to_refuse(const crypto::Ticket& ticket,
                                                 const crypto::InitView& init,
                                                 UnixSeconds wall) const {
  const Status<> valid = crypto::check_ticket(ticket, wall, options_.identity->key.id);
  if (!valid) return valid.error();
  if (used_.find(ticket.jti, init.mac1).use != crypto::UsedTickets::Use::kUnused) {
    return DropReason::kTicketReplayed;
  }
  if (voids_.is_void(ticket.room, ticket.user, ticket.not_before)) return DropReason::kTicketVoid;
  return std::nullopt;
}

Bytes Door::answer_candidate(Instant now, UnixSeconds wall, const Candidate& candidate,
                             const Address& from) {
  load_.add_handshake(now);
  Result<crypto::InitOpened> opened =
      crypto::read_init(*options_.identity, candidate.init, candidate.ticket.psk);
  if (!opened) {
    buckets_.penalize(from, now);
    return drop(opened.error());
  }
  if (candidate.refused) {
    buckets_.penalize(from, now);
    metrics_.drop(*candidate.refused);
    const auto status = crypto::refusal_for(*candidate.refused);
    return status ? refuse(*opened, *status) : Bytes{};
  }
  HandshakeStatus status = HandshakeStatus::kDraining;
  if (!draining_) status = directory_.admit(candidate.ticket);
  if (status != HandshakeStatus::kAccepted) {
    metrics_.drop(draining_ ? DropReason::kDraining : DropReason::kLinkLimit);
    return refuse(*opened, status);
  }
  return accept(now, wall, candidate, *opened, from);
}

Bytes Door::accept(Instant now, UnixSeconds wall, const Candidate& candidate,
                   crypto::InitOpened& opened, const Address& from) {
  const std::optional<crypto::Suite> suite = crypto::choose_suite(opened.suites, suites_);
  if (!suite) {
    metrics_.drop(DropReason::kBadVersion);
    return refuse(opened, HandshakeStatus::kVersion);
  }
  if (answers_.size() - free_answers_.size() >= kHalfOpenLinksMax) {
    metrics_.drop(DropReason::kLinkLimit);
    return refuse(opened, HandshakeStatus::kRelayFull);
  }
  DoorLink* link = directory_.place(candidate.ticket);
  if (link == nullptr) {
    metrics_.drop(DropReason::kLinkLimit);
    return refuse(opened, HandshakeStatus::kRelayFull);
  }
  const crypto::ResumeTicket resume = make_resume_ticket(candidate.ticket, wall);
  crypto::AcceptGrant grant;
  grant.suite = *suite;
  grant.link.connection_id = link->connection;
  grant.link.reset_token = crypto::derive_reset_token(options_.secrets->reset, link->connection);
  grant.client = from;
  grant.resume = &resume;
  Result<crypto::AcceptWritten> written = crypto::write_accept(opened, grant, options_.random);
  std::optional<DropReason> failed;
  std::uint32_t answer = 0;
  if (!written) {
    failed = written.error();
  } else {
    answer = keep_answer(written->message, *link, from);
    const Status<> used = used_.insert(candidate.ticket.jti, candidate.ticket.expiry,
                                       candidate.init.mac1, answer, wall);
    if (!used) {
      failed = used.error();
      free_answers_.push_back(answer);
    }
  }
  if (failed) {
    const ConnectionId connection = link->connection;
    // No worker has heard of the link or, if it is new, of its room.
    static_cast<void>(directory_.erase(connection));
    metrics_.drop(*failed);
    return *failed == DropReason::kLinkLimit ? refuse(opened, HandshakeStatus::kRelayFull)
                                             : Bytes{};
  }
  link->answer = answer;
  metrics_.handshakes[0].add();
  post_link(*link, candidate, opened, std::move(written->secrets), *suite, from);
  update_gauges(now);
  const Bytes message = answers_[answer].message.view();
  metrics_.out.add(PacketKind::kHandshake, message.size());
  return message;
}

void Door::post_link(DoorLink& link, const Candidate& candidate, crypto::InitOpened& opened,
                     crypto::TrafficSecrets secrets, crypto::Suite suite, const Address& from) {
  const auto fields = wire::connection_fields(link.connection, options_.secrets->connection_mask);
  NewLink mail;
  mail.room = link.room->id;
  mail.room_name = link.room->name;
  mail.home = link.room->home;
  mail.streams_max = link.room->limits.streams_max;
  mail.pass = {link.connection,
               link.user,
               link.instance,
               candidate.ticket.rights,
               candidate.ticket.rate_kbit_max,
               candidate.ticket.session_seconds_max};
  mail.peer = from;
  mail.suite = suite;
  mail.secrets = std::move(secrets);
  mail.reset_token = crypto::derive_reset_token(options_.secrets->reset, link.connection);
  mail.early_room_bytes = opened.early_room_bytes;
  tell(fields.worker, std::move(mail));
}

crypto::ResumeTicket Door::make_resume_ticket(const crypto::Ticket& ticket, UnixSeconds wall) {
  crypto::Ticket resume;
  options_.random(resume.jti);
  resume.not_before = wall;
  resume.expiry = {wall.value + kResumeSeconds};
  resume.relay = ticket.relay;
  resume.instance = ticket.instance;
  resume.rights = ticket.rights;
  resume.rate_kbit_max = ticket.rate_kbit_max;
  resume.session_seconds_max = ticket.session_seconds_max;
  resume.flags = {ticket.flags.several_instances, true};
  resume.psk = crypto::Psk::random(options_.random);
  resume.room = ticket.room;
  resume.user = ticket.user;
  crypto::ResumeTicket sealed;
  sealed.ticket = crypto::seal_ticket(*options_.ticket_key, resume, options_.random);
  sealed.psk = std::move(resume.psk);
  return sealed;
}

Bytes Door::refuse(const crypto::InitOpened& opened, HandshakeStatus status) {
  const Result<crypto::AcceptMessage> message =
      crypto::write_refusal(opened, status, {}, options_.random);
  if (!message) return drop(message.error());
  const auto index = static_cast<std::size_t>(status);
  if (index < kHandshakeStatusCount) metrics_.handshakes[index].add();
  std::memcpy(reply_.data(), message->view().data(), message->size());
  metrics_.out.add(PacketKind::kHandshake, message->size());
  return Bytes{reply_}.first(message->size());
}

Bytes Door::cookie_reply(crypto::CookieStatus status, const crypto::ClientNonce& nonce,
                         const Address& from) {
  crypto::Mac cookie{};
  if (status == crypto::CookieStatus::kCookieNeeded) cookie = cookies_.make(from, nonce);
  const crypto::CookieMessage message =
      crypto::make_cookie_reply(options_.identity->key, status, nonce, cookie);
  std::memcpy(reply_.data(), message.data(), message.size());
  metrics_.cookies_sent.add();
  metrics_.out.add(PacketKind::kHandshake, message.size());
  return Bytes{reply_}.first(message.size());
}

Bytes Door::reset_stranger(Instant now, Bytes datagram) {
  const double share = kResetsPerSecond / static_cast<double>(options_.workers + 1);
  const double grown =
      reset_tokens_ + static_cast<double>((now - reset_tokens_at_).count()) * share / 1e6;
  reset_tokens_ = std::min(grown, std::max(share, 1.0));
  reset_tokens_at_ = now;
  if (reset_tokens_ < 1) return {};
  reset_tokens_ -= 1;
  const ConnectionId id = wire::read_data_header(datagram, wire::Direction::kToRelay).connection;
  const auto reset =
      wire::write_reset({id, crypto::derive_reset_token(options_.secrets->reset, id)});
  std::memcpy(reply_.data(), reset.data(), reset.size());
  metrics_.resets_sent.add();
  metrics_.out.add(PacketKind::kReset, reset.size());
  return Bytes{reply_}.first(reset.size());
}

Bytes Door::drop(DropReason reason) {
  metrics_.drop(reason);
  return {};
}

void Door::handle_mail(Instant now, UnixSeconds wall) {
  while (const std::unique_ptr<Mail> taken = switchboard_.take(kDoorParty)) {
    std::visit(
        [&](const auto& mail) {
          if constexpr (requires { this->handle(mail); }) {
            handle(mail);
          } else if constexpr (requires { this->handle(wall, mail); }) {
            handle(wall, mail);
          } else if constexpr (requires { this->handle(now, mail); }) {
            handle(now, mail);
          } else {
            CHECK(false);  // mail for somebody else: a wrong address is our bug
          }
        },
        *taken);
  }
  answer_drained();
  update_gauges(now);
}

void Door::handle(const LinkEstablished& mail) {
  if (DoorLink* link = directory_.find(mail.connection); link != nullptr) drop_answer(*link);
}

void Door::handle(const LinkGone& mail) {
  if (DoorLink* link = directory_.find(mail.connection); link != nullptr) drop_answer(*link);
  const std::optional<Directory::Erased> erased = directory_.erase(mail.connection);
  if (!erased || !erased->room_ended) return;
  for (std::size_t worker = 0; worker < options_.workers; ++worker) {
    if ((erased->workers_used >> worker & 1U) != 0) tell(worker, RoomEnd{*erased->room_ended});
  }
}

void Door::handle(UnixSeconds wall, const AskKick& mail) {
  voids_.add(mail.room, mail.user, wall);
  if (mail.user.empty()) directory_.forget_limits(mail.room);
  std::size_t closed = 0;
  if (DoorRoom* room = directory_.find_room(mail.room); room != nullptr) {
    for (const auto& [user, connection] : room->links) {
      if (!mail.user.empty() && user != mail.user) continue;
      const DoorLink* link = directory_.find(connection);
      if (mail.instance && link->instance != *mail.instance) continue;
      const auto fields = wire::connection_fields(connection, options_.secrets->connection_mask);
      tell(fields.worker, CloseLink{connection, mail.code, mail.reason});
      ++closed;
    }
  }
  switchboard_.post(kDoorParty, switchboard_.main_party(), Answer{mail.id, closed});
}

void Door::handle(const AskAdmit& mail) {
  const std::size_t lifted = voids_.lift(mail.room, mail.user);
  switchboard_.post(kDoorParty, switchboard_.main_party(), Answer{mail.id, lifted});
}

void Door::handle(const AskOpenRoom& mail) {
  directory_.set_limits(mail.room, mail.limits);
  switchboard_.post(kDoorParty, switchboard_.main_party(), Answer{mail.id, std::size_t{1}});
}

void Door::handle(Instant now, const AskDrain& mail) {
  // Asked again: the earlier instant counts, the later question is answered.
  const Instant close_at = now + mail.grace;
  const bool told = draining_ && draining_->told;
  draining_ =
      Draining{mail.id, draining_ ? std::min(close_at, draining_->close_at) : close_at, told};
  handle_timeout(now);
}

void Door::handle_timeout(Instant now) {
  if (draining_ && !draining_->told && now >= draining_->close_at) {
    draining_->told = true;
    for (std::size_t worker = 0; worker < options_.workers; ++worker) tell(worker, CloseAll{});
  }
  answer_drained();
  if (now >= measure_at_) measure_workers(now);
}

void Door::end_turn(Instant now) {
  retry_at_ = switchboard_.flush(kDoorParty) ? now + kMailRetry : kNever;
}

Instant Door::next_deadline() const {
  Instant next = std::min(retry_at_, measure_at_);
  if (draining_ && !draining_->told) next = std::min(next, draining_->close_at);
  return next;
}

// To whoever sends it, so that nobody who copied an INIT can shut its owner out. But then the
// ACCEPT does not prove any more that the link's first address is its owner's, and somebody who
// sends his own INIT from a stranger's address first must not have the room's media sent there
// (P-HS-11).
Bytes Door::repeat_answer(std::uint32_t answer, const Address& from) {
  const KeptAnswer& kept = answers_[answer];
  if (from != kept.to) {
    const auto fields = wire::connection_fields(kept.connection, options_.secrets->connection_mask);
    tell(fields.worker, DoubtAddress{kept.connection});
  }
  metrics_.accepts_repeated.add();
  const Bytes message = kept.message.view();
  metrics_.out.add(PacketKind::kHandshake, message.size());
  return message;
}

std::uint32_t Door::keep_answer(const crypto::AcceptMessage& message, const DoorLink& link,
                                const Address& to) {
  if (free_answers_.empty()) {
    answers_.push_back({message, link.connection, to});
    return static_cast<std::uint32_t>(answers_.size() - 1);
  }
  const std::uint32_t index = free_answers_.back();
  free_answers_.pop_back();
  answers_[index] = {message, link.connection, to};
  return index;
}

void Door::drop_answer(DoorLink& link) {
  const std::uint32_t answer = std::exchange(link.answer, UINT32_MAX);
  if (answer == UINT32_MAX) return;
  used_.forget_answer(link.jti);
  free_answers_.push_back(answer);
}

void Door::answer_drained() {
  if (!draining_ || draining_->answered || directory_.links() != 0) return;
  draining_->answered = true;
  switchboard_.post(kDoorParty, switchboard_.main_party(),
                    Answer{draining_->question, std::size_t{0}});
}

void Door::measure_workers(Instant now) {
  for (std::size_t i = 0; i < options_.worker_metrics.size(); ++i) {
    const std::uint64_t busy = options_.worker_metrics[i]->busy_us.value();
    directory_.set_busy(i, (busy - std::exchange(busy_before_[i], busy)) / 1000);
  }
  measure_at_ = now + kMeasureEvery;
}

void Door::tell(std::size_t worker, Mail mail) {
  switchboard_.post(kDoorParty, party_of(WorkerIndex{static_cast<std::uint8_t>(worker)}),
                    std::move(mail));
}

void Door::update_gauges(Instant now) {
  metrics_.rooms.set(directory_.rooms());
  metrics_.links.set(directory_.links());
  metrics_.half_open.set(answers_.size() - free_answers_.size());
  metrics_.used_tickets.set(used_.size());
  metrics_.under_load.set(load_.under_load(now) ? 1 : 0);
}

}  // namespace sluice::relay
