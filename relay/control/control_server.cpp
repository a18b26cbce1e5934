#include "relay/control/control_server.h"

#include <algorithm>
#include <utility>

#include "net/log.h"

namespace sluice::relay {

using schema::Kind;
using schema::Message;
using schema::StatusCode;

namespace {

/// Changes something: not for a room service that another has replaced.
bool is_order(const Message& message) {
  return !std::holds_alternative<schema::ListRooms>(message) &&
         !std::holds_alternative<schema::ListMembers>(message);
}

bool is_ok(const Message& message) {
  const auto* status = std::get_if<schema::Status>(&message);
  return status == nullptr || status->code == StatusCode::kOk;
}

}  // namespace

ControlServer::ControlServer(net::Loop& loop, Duration deadline)
    : loop_(loop),
      deadline_(deadline),
      deadline_timer_(loop, net::Callback<>::to<&ControlServer::on_deadline>(this)) {}

ControlServer::~ControlServer() = default;

void ControlServer::set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

Status<Failure> ControlServer::listen_unix(const std::string& path) {
  using Accept = net::Callback<std::unique_ptr<net::PipeConnection>>;
  pipe_listener_ =
      std::make_unique<net::PipeListener>(loop_, Accept::to<&ControlServer::on_pipe>(this));
  return pipe_listener_->listen(path);
}

Result<Address, Failure> ControlServer::listen_tls(const Address& address,
                                                   const net::TlsFiles& files) {
  auto context = net::TlsContext::load(net::TlsContext::Role::kServer, files);
  if (!context) return Unexpected{context.error()};
  tls_.emplace(*std::move(context));
  using Accept = net::Callback<std::unique_ptr<net::TcpConnection>>;
  tcp_listener_ =
      std::make_unique<net::TcpListener>(loop_, Accept::to<&ControlServer::on_tcp>(this));
  return tcp_listener_->listen(address);
}

void ControlServer::on_pipe(std::unique_ptr<net::PipeConnection> pipe) { add(std::move(pipe)); }

void ControlServer::on_tcp(std::unique_ptr<net::TcpConnection> tcp) {
  auto tls = net::TlsStream::wrap(std::move(tcp), *tls_);
  if (!tls) return LOG(kError, "control_tls_failed", {{"error", tls.error().message}});
  add(*std::move(tls));
}

void ControlServer::add(std::unique_ptr<net::ByteStream> stream) {
  if (connections_.size() >= kControlConnectionsMax) {
    return LOG(kWarning, "control_connections_exhausted", {{"limit", kControlConnectionsMax}});
  }
  const std::uint64_t id = ++next_connection_;
  const ControlConnection::Handlers handlers{
      net::Callback<ControlConnection&>::to<&ControlServer::on_open>(this),
      net::Callback<ControlConnection&, schema::Envelope&>::to<&ControlServer::on_message>(this),
      net::Callback<ControlConnection&>::to<&ControlServer::on_closed>(this)};
  auto& peer = connections_[id];
  peer = std::make_unique<ControlConnection>(loop_, id, std::move(stream), handlers);
  peer->start();
}

void ControlServer::on_open(ControlConnection& peer) {
  peer.send(Kind::kEvent, 0, handlers_.hello(), generation_);
}

void ControlServer::on_message(ControlConnection& peer, schema::Envelope& envelope) {
  switch (envelope.kind) {
    case Kind::kRequest:
      return handle_request(peer, envelope);
    case Kind::kResponse:
      return handle_answer(peer, envelope);
    case Kind::kEvent:
      break;
  }
  std::string text{schema::message_name(envelope.message)};
  refuse(peer, envelope.id, StatusCode::kRefused, text + ": events go from the relay only");
}

void ControlServer::handle_request(ControlConnection& peer, const schema::Envelope& envelope) {
  ++counts_.requests;
  if (envelope.id == 0) {
    return refuse(peer, 0, StatusCode::kMalformed, "id: a request needs one other than 0");
  }
  if (const auto* request = std::get_if<schema::Attach>(&envelope.message)) {
    return attach(peer, envelope.id, *request);
  }
  if (const auto* request = std::get_if<schema::Resync>(&envelope.message)) {
    return resync(peer, envelope.id, *request);
  }
  forward(peer, envelope);
}

void ControlServer::attach(ControlConnection& peer, std::uint64_t id,
                           const schema::Attach& request) {
  peer.role.epoch = request.epoch;
  peer.role.name = request.name;
  ControlConnection* const previous = active();
  const bool higher = request.epoch > epoch_max_;
  // The holder of the highest epoch may come back, on this connection or on a new one once the old
  // one is gone; a lower epoch never becomes active again.
  const bool returns = request.epoch == epoch_max_ && (previous == nullptr || previous == &peer);
  if (higher || returns) {
    epoch_max_ = request.epoch;
    active_ = peer.id();
    LOG(kInfo, "room_service_active", {{"name", request.name}, {"epoch", request.epoch}});
  } else if (previous == &peer) {
    active_ = 0;  // it stepped down
  }
  if (previous != nullptr && previous != &peer && active_ == peer.id()) {
    previous->send(Kind::kEvent, 0,
                   schema::Attached{false, epoch_max_, generation_, handlers_.ticket_key},
                   generation_);
  }
  const bool is_active = active_ == peer.id();
  respond(peer, id, schema::Attached{is_active, epoch_max_, generation_, handlers_.ticket_key});
}

void ControlServer::resync(ControlConnection& peer, std::uint64_t id,
                           const schema::Resync& request) {
  const schema::Hello hello = handlers_.hello();
  std::uint32_t events = 0;
  if (request.boot_id != hello.boot_id || request.generation != generation_) {
    for (Message& event : handlers_.state()) {
      peer.send(Kind::kEvent, 0, std::move(event), generation_);
      ++events;
    }
  }
  respond(peer, id, schema::Resynced{hello.boot_id, generation_, events});
}

void ControlServer::forward(ControlConnection& peer, const schema::Envelope& envelope) {
  if (peer.role.epoch != 0 && active_ != peer.id() && is_order(envelope.message)) {
    return refuse(peer, envelope.id, StatusCode::kNotActive,
                  "the room service of epoch " + std::to_string(epoch_max_) + " gives the orders");
  }
  if (peer.role.requests_under_way >= kControlRequestsMax) {
    return refuse(peer, envelope.id, StatusCode::kBusy, "256 requests are under way");
  }
  const std::uint64_t serial = ++next_serial_;
  ++peer.role.requests_under_way;
  waiting_[serial] = {peer.id(), envelope.id, loop_.now() + deadline_};
  arm_deadline();
  handlers_.request(envelope.message,
                    [this, serial](Message answer) { finish(serial, std::move(answer)); });
}

void ControlServer::respond(ControlConnection& peer, std::uint64_t id, Message message) {
  if (!is_ok(message)) ++counts_.refusals;
  peer.send(Kind::kResponse, id, std::move(message));
}

void ControlServer::refuse(ControlConnection& peer, std::uint64_t id, StatusCode code,
                           std::string text) {
  respond(peer, id, schema::Status{code, std::move(text)});
}

void ControlServer::finish(std::uint64_t serial, Message message) {
  const auto found = waiting_.find(serial);
  if (found == waiting_.end()) return;  // its deadline or its peer has gone
  const Waiting waiting = found->second;
  waiting_.erase(found);
  ControlConnection* peer = find(waiting.connection);
  if (peer == nullptr) return;
  --peer->role.requests_under_way;
  respond(*peer, waiting.id, std::move(message));
}

void ControlServer::handle_answer(ControlConnection& peer, schema::Envelope& envelope) {
  const auto found = asked_.find(envelope.id);
  // Late, or somebody else's: nobody waits for it.
  if (found == asked_.end() || found->second.connection != peer.id()) return;
  const Answer answer = std::move(found->second.answer);
  asked_.erase(found);
  answer(std::move(envelope.message));
}

void ControlServer::publish(Message event) {
  ++generation_;
  ++counts_.events;
  if (ControlConnection* peer = active())
    peer->send(Kind::kEvent, 0, std::move(event), generation_);
}

void ControlServer::ask(Message request, Answer answer) {
  ControlConnection* peer = active();
  const std::uint64_t id = ++next_asked_;
  // Without a room service the deadline is now, and the answer comes from the timer.
  const Duration patience = peer != nullptr ? deadline_ : Duration::zero();
  asked_[id] = {active_, loop_.now() + patience, std::move(answer)};
  arm_deadline();
  if (peer != nullptr) peer->send(Kind::kRequest, id, std::move(request));
}

void ControlServer::on_deadline() {
  const Instant now = loop_.now();
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= now) {
    ++counts_.timeouts;
    finish(waiting_.begin()->first,
           schema::Status{StatusCode::kBusy, "no answer within the deadline"});
  }
  // Not only the first: those asked without a room service are due before older ones.
  std::vector<Answer> given_up;
  for (auto at = asked_.begin(); at != asked_.end();) {
    if (at->second.deadline > now) {
      ++at;
      continue;
    }
    if (at->second.connection != 0) ++counts_.timeouts;
    given_up.push_back(std::move(at->second.answer));
    at = asked_.erase(at);
  }
  for (const Answer& answer : given_up) answer(std::nullopt);
  arm_deadline();
}

void ControlServer::arm_deadline() {
  Instant next = kNever;
  if (!waiting_.empty()) next = waiting_.begin()->second.deadline;
  for (const auto& [id, asked] : asked_) next = std::min(next, asked.deadline);
  deadline_timer_.arm(next);
}

void ControlServer::on_closed(ControlConnection& peer) {
  const std::uint64_t id = peer.id();
  counts_.refusals += peer.refused_messages();
  if (active_ == id) {
    active_ = 0;
    LOG(kWarning, "room_service_gone", {{"name", peer.role.name}, {"epoch", peer.role.epoch}});
  }
  std::erase_if(waiting_, [id](const auto& item) { return item.second.connection == id; });
  for (auto& [asked_id, asked] : asked_) {
    if (asked.connection == id) asked.deadline = loop_.now();
  }
  connections_.erase(id);
  arm_deadline();
}

ControlConnection* ControlServer::find(std::uint64_t connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : found->second.get();
}

ControlCounts ControlServer::counts() const {
  ControlCounts counts = counts_;
  counts.connections = connections_.size();
  counts.room_service = active_ != 0;
  for (const auto& [id, peer] : connections_) counts.refusals += peer->refused_messages();
  return counts;
}

void ControlServer::close() {
  pipe_listener_.reset();
  tcp_listener_.reset();
  for (const auto& [id, peer] : connections_) peer->close();
}

}  // namespace sluice::relay
