#include "relay/relay.h"

#include <optional>
#include <string>
#include <utility>

#include "net/log.h"
#include "net/udp_socket.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/secret.h"
#include "proto/crypto/ticket.h"
#include "relay/door/door_thread.h"
#include "relay/questions.h"
#include "relay/worker/switchboard.h"
#include "relay/worker/worker_thread.h"

namespace sluice::relay {

namespace {

net::UdpConfig udp_config(const RelayOptions& options) {
  net::UdpConfig config;
  config.reuse_port = true;
  config.kernel_stamps = true;  // for the forward latency, which begins where the packet did
  config.segmentation = options.segmentation;
  config.coalescing = options.coalescing;
  return config;
}

/// What a small buffer drops of a burst looks to members like a path that loses.
void warn_of_small_buffer(const net::UdpSocket& socket, const net::UdpConfig& config) {
  if (socket.receive_buffer_bytes() >= config.receive_buffer_bytes) return;
  LOG(kWarning, "receive_buffer_small",
      {{"bytes", socket.receive_buffer_bytes()},
       {"wanted", config.receive_buffer_bytes},
       {"cure", "sysctl net.core.rmem_max=" + std::to_string(config.receive_buffer_bytes)}});
}

SharedSecrets make_secrets(const RelayOptions& options, RandomSource random) {
  SharedSecrets secrets;
  secrets.reset = options.reset_secret ? crypto::ResetSecret{*options.reset_secret}
                                       : crypto::ResetSecret::random(random);
  secrets.connection_mask = random.u64();
  secrets.generation = static_cast<std::uint8_t>(random.below(8));
  return secrets;
}

}  // namespace

std::string masked_address(const Address& address) {
  const std::string text = address.to_string();
  if (address.is_v4()) {
    const std::string host = text.substr(0, text.rfind(':'));
    return host.substr(0, host.rfind('.')) + ".x";
  }
  Address prefix = address;
  for (std::size_t i = 6; i < prefix.ip.size(); ++i) prefix.ip[i] = std::byte{0};
  const std::string masked = prefix.to_string();
  return masked.substr(1, masked.rfind(']') - 1) + "x";
}

struct Relay::State {
  State(const RelayOptions& options, net::Loop& main_loop, EventSink sink,
        RandomSource random_source)
      : random(random_source),
        identity(crypto::RelayIdentity::generate(random)),
        ticket_key(crypto::TicketKey::random(random)),
        secrets(make_secrets(options, random)),
        switchboard(options.workers),
        worker_metrics(options.workers),
        events(std::move(sink)),
        wake(main_loop, net::Callback<>::to<&State::on_wake>(this)) {
    switchboard.set_wake(switchboard.main_party(), net::Callback<>::to<&net::Async::wake>(&wake));
  }

  // The threads first: they wake what is declared above them.
  ~State() {
    // Every thread posts to every other until it has ended, so all end before any is destroyed.
    for (auto& worker : workers) worker->stop();
    if (door) door->stop();
  }

  void on_wake() {
    while (const std::unique_ptr<Mail> mail = switchboard.take(switchboard.main_party())) {
      if (auto* answer = std::get_if<Answer>(mail.get())) {
        questions.handle(std::move(*answer));
      } else if (const auto* event = std::get_if<RelayEvent>(mail.get());
                 event != nullptr && events) {
        events(*event);
      }
    }
    flush();
  }

  void ask_door(Mail mail) {
    switchboard.post(switchboard.main_party(), kDoorParty, std::move(mail));
    flush();
  }

  template <class Ask>
  void ask_workers(const Ask& ask) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      switchboard.post(switchboard.main_party(),
                       party_of(WorkerIndex{static_cast<std::uint8_t>(i)}), Ask{ask});
    }
    flush();
  }

  // A ring of 4096 questions that is full: the rest follows with the next answer that comes.
  void flush() { static_cast<void>(switchboard.flush(switchboard.main_party())); }

  RandomSource random;
  crypto::Locked<crypto::RelayIdentity> identity;
  crypto::Locked<crypto::TicketKey> ticket_key;
  crypto::Locked<SharedSecrets> secrets;
  Switchboard switchboard;
  DoorMetrics door_metrics;
  std::vector<WorkerMetrics> worker_metrics;
  std::vector<const WorkerMetrics*> worker_metrics_seen;
  EventSink events;
  Questions questions;
  net::Async wake;
  Address address;
  bool draining = false;
  std::unique_ptr<DoorThread> door;
  std::vector<std::unique_ptr<WorkerThread>> workers;
};

Result<std::unique_ptr<Relay>, Failure> Relay::start(const RelayOptions& options,
                                                     net::Loop& main_loop, EventSink events) {
  if (options.workers < 1 || options.workers > kWorkersMax) {
    return Unexpected{Failure{"workers: 1 to " + std::to_string(kWorkersMax)}};
  }
  crypto::init_crypto();
  auto state =
      std::make_unique<State>(options, main_loop, std::move(events), crypto::system_random());
  for (const WorkerMetrics& metrics : state->worker_metrics) {
    state->worker_metrics_seen.push_back(&metrics);
  }
  DoorOptions door_options;
  door_options.workers = options.workers;
  door_options.limits = options.limits;
  door_options.placement = options.placement;
  door_options.loopback_only = options.loopback_only;
  door_options.identity = &*state->identity;
  door_options.ticket_key = &*state->ticket_key;
  door_options.secrets = &*state->secrets;
  door_options.random = state->random;
  door_options.worker_metrics = state->worker_metrics_seen;
  state->door = std::make_unique<DoorThread>(door_options, state->switchboard, state->door_metrics);
  const net::UdpConfig config = udp_config(options);
  // A second relay of the same user would silently share the port, and get half of the members.
  if (auto unused = net::require_unused_udp_port(options.listen); !unused) {
    return Unexpected{unused.error()};
  }
  // In this order: the steering program counts the group's sockets as they were bound.
  if (auto bound = state->door->bind(options.listen, config); !bound) {
    return Unexpected{bound.error()};
  }
  state->address = state->door->socket().address();
  warn_of_small_buffer(state->door->socket(), config);
  for (std::size_t i = 0; i < options.workers; ++i) {
    const WorkerOptions worker{WorkerIndex{static_cast<std::uint8_t>(i)}, options.limits,
                               &*state->secrets, state->random, kPacerBitsPerSecond};
    state->workers.push_back(
        std::make_unique<WorkerThread>(worker, state->switchboard, state->worker_metrics[i]));
    if (auto bound = state->workers.back()->bind(state->address, config); !bound) {
      return Unexpected{bound.error()};
    }
  }
  if (auto steered = net::attach_steering(state->door->socket().fd(), options.workers); !steered) {
    return Unexpected{steered.error()};
  }
  for (auto& worker : state->workers) {
    if (auto started = worker->start(); !started) return Unexpected{started.error()};
  }
  if (auto started = state->door->start(); !started) return Unexpected{started.error()};
  return std::make_unique<Relay>(std::move(state));
}

Relay::Relay(std::unique_ptr<State> state) : state_(std::move(state)) {}

Relay::~Relay() = default;

Address Relay::address() const { return state_->address; }

std::span<const std::byte, 32> Relay::public_key() const {
  return state_->identity->key.public_key;
}

RelayKeyId Relay::key_id() const { return state_->identity->key.id; }

std::span<const std::byte, 32> Relay::ticket_key() const { return state_->ticket_key->bytes(); }

IssuedTicket Relay::issue_ticket(const TicketRequest& request) const {
  const UnixSeconds now = net::Loop::wall_clock();
  crypto::Ticket ticket;
  state_->random(ticket.jti);
  ticket.not_before = now;
  ticket.expiry = {now.value + request.valid_s};
  ticket.relay = key_id();
  ticket.instance = request.instance.value_or(InstanceId{state_->random.u64()});
  ticket.rights = crypto::Rights{request.rights};
  ticket.rate_kbit_max = request.rate_kbps;
  ticket.session_seconds_max = request.session_s;
  ticket.flags.several_instances = request.several_instances;
  ticket.psk = crypto::Psk::random(state_->random);
  ticket.room = request.room;
  ticket.user = request.user;
  const crypto::SealedTicket sealed =
      crypto::seal_ticket(*state_->ticket_key, ticket, state_->random);
  IssuedTicket issued;
  issued.ticket.assign(sealed.view().begin(), sealed.view().end());
  std::memcpy(issued.psk.data(), ticket.psk.bytes().data(), issued.psk.size());
  issued.expiry = ticket.expiry;
  return issued;
}

void Relay::rooms(std::function<void(std::vector<RoomSnapshot>)> answer) {
  state_->ask_workers(AskRooms{state_->questions.ask_rooms(worker_count(), std::move(answer))});
}

void Relay::members(const RoomName& room, std::function<void(std::vector<MemberSnapshot>)> answer) {
  state_->ask_workers(
      AskMembers{state_->questions.ask_members(worker_count(), std::move(answer)), room});
}

void Relay::kick(const RoomName& room, const UserName& user, std::optional<InstanceId> instance,
                 Count answer) {
  state_->ask_door(AskKick{state_->questions.ask_count(1, std::move(answer)), room, user, instance,
                           link::CloseCode::kKicked, LeaveReason::kKicked});
}

void Relay::admit(const RoomName& room, const UserName& user, Count answer) {
  state_->ask_door(AskAdmit{state_->questions.ask_count(1, std::move(answer)), room, user});
}

void Relay::set_rights(const RoomName& room, const UserName& user,
                       std::optional<InstanceId> instance, Rights rights, Count answer) {
  state_->ask_workers(AskRights{state_->questions.ask_count(worker_count(), std::move(answer)),
                                room, user, instance, crypto::Rights{rights}});
}

void Relay::open_room(const RoomName& room, const RoomLimits& limits, Count answer) {
  state_->ask_door(AskOpenRoom{state_->questions.ask_count(1, std::move(answer)), room, limits});
}

void Relay::close_room(const RoomName& room, Count answer) {
  state_->ask_door(AskKick{state_->questions.ask_count(1, std::move(answer)), room, UserName{},
                           std::nullopt, link::CloseCode::kRoomClosed, LeaveReason::kRoomClosed});
}

void Relay::request_key(const RoomName& room, const StreamName& stream, Count answer) {
  state_->ask_workers(
      AskKey{state_->questions.ask_count(worker_count(), std::move(answer)), room, stream});
}

void Relay::drain(Duration grace, std::function<void()> done) {
  state_->draining = true;
  const auto answered = [done = std::move(done)](std::size_t) {
    if (done) done();
  };
  state_->ask_door(AskDrain{state_->questions.ask_count(1, answered), grace});
}

bool Relay::draining() const { return state_->draining; }

const DoorMetrics& Relay::door_metrics() const { return state_->door_metrics; }

std::size_t Relay::worker_count() const { return state_->workers.size(); }

const WorkerMetrics& Relay::worker_metrics(std::size_t worker) const {
  return state_->worker_metrics[worker];
}

}  // namespace sluice::relay
