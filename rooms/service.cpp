#include "rooms/service.h"

#include <algorithm>

#include "net/log.h"
#include "rooms/metrics_page.h"

namespace sluice::rooms {
namespace {

constexpr std::uint64_t kDaySeconds = 86400;

/// Answers to polls are written when the loop turns; this is a turn, and no time to a client.
constexpr Duration kAfterAnswers = std::chrono::milliseconds{5};

/// Calls keep an eighth of the connections, however many polls wait.
std::uint64_t polls_max(const Config& config) {
  return config.listen_connections - config.listen_connections / 8;
}

std::string host_only(const std::string& address) { return address.substr(0, address.rfind(':')); }

ApiConfig api_config(const Config& config) {
  ApiConfig api;
  api.sdk_app_id = std::to_string(config.account_sdk_app_id);
  api.account_type = std::to_string(config.account_type);
  api.chosen_ids = config.account_chosen_ids;
  return api;
}

TokenSeconds lifetimes(const Config& config) {
  return {config.account_user_sig_days * kDaySeconds, config.account_token_days * kDaySeconds};
}

std::string_view cause_name(DissolveCause cause) {
  return kDissolveCauses[static_cast<std::size_t>(cause)];
}

}  // namespace

Service::Service(net::Loop& loop, Parts parts)
    : loop_(loop),
      config_(std::move(parts.config)),
      version_(std::move(parts.version)),
      started_s_(net::Loop::wall_clock().value),
      journal_(std::move(parts.journal.journal)),
      store_(config_.rules),
      accounts_(crypto::SealKey{parts.secret}, lifetimes(config_), crypto::system_random()),
      addresses_(
          crypto::SealKey{parts.secret},
          {config_.addresses_push_host, config_.addresses_play_host, config_.addresses_bizid},
          crypto::system_random()),
      directory_(store_),
      api_({store_, accounts_, addresses_}, api_config(config_)),
      tokens_(std::move(parts.keys)),
      events_(net::Loop::wall_clock_us()),
      v1_({store_, accounts_, addresses_, tokens_, relay_calls(), events_,
           [this](const Json& event) { tell_application(event); }, crypto::SealKey{parts.secret}},
          {config_.v1_guests, config_.account_chosen_ids}),
      im_({store_, accounts_, crypto::system_random()}, api_config(config_).sdk_app_id,
          {.polls = polls_max(config_)}),
      guard_(config_.listen_requests_per_address),
      sweep_(loop, net::Callback<>::to<&Service::on_sweep>(this)),
      after_answers_(loop, net::Callback<>::to<&Service::on_after_answers>(this)),
      server_(loop, {static_cast<unsigned>(config_.listen_connections),
                     static_cast<unsigned>(config_.listen_connections_per_address)}) {
  for (const RelayEntry& entry : relays_of(config_)) {
    const std::size_t index = relays_.size();
    relays_.push_back(std::make_unique<RelayConnection>(
        loop_, entry.control, static_cast<std::uint64_t>(started_s_), crypto::system_random(),
        [this, index] { on_relay_change(index); }));
    directory_.add(entry.control, entry.public_address, relays_.back()->view());
  }
  restore(parts.journal.changes);
  api_.set_access([this](const RoomId& room, const UserId& user, const ApiCall& call) {
    const Room* const found = store_.find(room);
    const MemberRights revoked = found != nullptr ? found->revoked_of(user) : MemberRights{};
    return access(
        {room, user, relay_rights(kMemberRights.without(revoked)), call.http.host, call.http.peer},
        call.moment.wall);
  });
  api_.set_log_pages({config_.service_log_folder, [this](const net::HttpRequest& request) {
                        return v1_.is_operator(request, moment());
                      }});
  server_.route("GET", "/healthz", [](const net::HttpRequest&) {
    return net::HttpResponse{200, "text/plain", "ok\n"};
  });
  server_.route("GET", "/readyz", [this](const net::HttpRequest&) { return ready(); });
  server_.route("GET", "/metrics", [this](const net::HttpRequest&) {
    return net::HttpResponse{200, std::string{kMetricsContentType}, metrics()};
  });
  if (auto target = net::parse_http_url(config_.webhook_url)) {
    webhooks_ = std::make_unique<Webhooks>(loop, *std::move(target), std::move(parts.webhook_key));
  }
  if (!config_.listen_tls_certificate.empty()) {
    server_.tls({config_.listen_tls_certificate, config_.listen_tls_key});
  }
  offer_events();
  server_.fallback(
      {[this](const net::HttpRequest& request) { return handle(request); },
       [](int status, std::string_view path) {
         if (V1::is_path(path)) return problem_of_status(status);
         return json_response(status, {{"code", status}, {"message", "the body's length"}});
       },
       [this](net::HttpRequestId id) { im_.forget_poll(id); }});
}

Result<Address, Failure> Service::listen(const Address& address) { return server_.listen(address); }

void Service::start() {
  for (const auto& relay : relays_) relay->start();
  sweep_.arm_in(kSweepInterval);
}

void Service::stop() { flush(); }

V1Relays Service::relay_calls() {
  V1Relays relays;
  relays.access = [this](const V1Relays::Asker& asker, const Moment& at) {
    return access({asker.room, asker.user, asker.rights, asker.http.host, asker.http.peer},
                  at.wall);
  };
  relays.streams = [this](const RoomId& room) {
    std::vector<V1Relays::Stream> streams;
    for (const auto& [user, stream] : directory_.streams_of(room)) {
      streams.push_back({user, stream});
    }
    return streams;
  };
  relays.put_out = [this](const RoomId& room, const UserId& user) { directory_.kick(room, user); };
  relays.set_rights = [this](const RoomId& room, const UserId& user, crypto::Rights rights) {
    directory_.set_rights(room, user, rights);
  };
  return relays;
}

std::optional<RelayAccess> Service::access(const RelayDirectory::Asker& asker, UnixSeconds now) {
  auto access = directory_.access(asker, now);
  if (!access) return std::nullopt;
  if (access->doubtful) {
    static net::LogLimit limit;
    net::log_limited(limit, net::LogLevel::kWarning, "relay_address_private",
                     {{"cure", "set relay.public_address to what clients reach the relay by"}});
  }
  return std::move(access->relay);
}

void Service::restore(std::span<const Change> changes) {
  std::size_t lost = 0;
  for (const Change& change : changes) {
    if (const auto* tokens = std::get_if<TokensVoid>(&change)) {
      accounts_.restore(*tokens);
    } else if (!store_.restore(loop_.refresh_now(), change)) {
      ++lost;
    }
  }
  if (lost > 0) LOG(kWarning, "journal_entries_without_room", {{"count", lost}});
  // A short file from here on, without what was cut at its end.
  if (auto written = journal_.write_snapshot(snapshot()); !written) {
    journal_good_ = false;
    LOG(kError, "journal_not_written", {{"error", written.error().message}});
  }
}

std::optional<net::HttpResponse> Service::handle(const net::HttpRequest& request) {
  const bool is_v1 = V1::is_path(request.path);
  if (!guard_.allow(loop_.now(), request.peer)) {
    ++counts_.refused_floods;
    if (is_v1) return problem_response(Problem::kTooManyRequests);
    return json_response(429, {{"code", 429}, {"message", "too many requests from this address"}});
  }
  if (Im::find(request.path) != nullptr && request.method != "OPTIONS") return handle_im(request);
  net::HttpResponse response = is_v1 && request.method != "OPTIONS"
                                   ? v1_.handle(request, moment())
                                   : api_.handle(request, moment());
  count(request, response);
  flush();
  return response;
}

std::optional<net::HttpResponse> Service::handle_im(const net::HttpRequest& request) {
  Im::Reply reply = im_.handle(request, moment());
  const std::string_view path = request.path;
  // A poll that waits counts as what it becomes most often: nothing came.
  const int status = reply.response ? reply.response->status : 200;
  ++counts_.requests[{"im_" + std::string{path.substr(path.rfind('/') + 1)}, status}];
  flush();
  if (!reply.after_answers || !reply.response) return std::move(reply.response);
  later_.push_back({request.id, *std::move(reply.response)});
  after_answers_.arm_in(kAfterAnswers);
  return std::nullopt;
}

void Service::answer_polls() {
  for (Im::Answer& answer : im_.take_answers()) {
    static_cast<void>(server_.answer(answer.id, std::move(answer.response)));
  }
}

void Service::on_after_answers() {
  for (Im::Answer& answer : std::exchange(later_, {})) {
    static_cast<void>(server_.answer(answer.id, std::move(answer.response)));
  }
}

/// Only the table's names become labels, and only answers' own codes.
void Service::count(const net::HttpRequest& request, const net::HttpResponse& response) {
  if (V1::is_path(request.path)) {
    const std::string route{V1::label(request.method, request.path)};
    ++counts_.requests[{route, response.status}];
    LOG(kDebug, "request", {{"route", route}, {"code", response.status}});
    return;
  }
  const auto found = Api::find(request.path);
  int code = response.status;
  if (response.status == 200) {
    const std::string_view head = response.body;
    constexpr std::string_view kCode = "{\"code\":";
    // The answers of utils/get_test_* alone have no code; the seed's have none.
    code = head.substr(0, kCode.size()) == kCode ? std::atoi(head.data() + kCode.size()) : 0;
  }
  ++counts_.requests[{found ? found->route->name : "unknown", code}];
  LOG(kDebug, "request", {{"route", found ? found->route->name : "unknown"}, {"code", code}});
}

/// The journal first: nobody hears of what a killed process would have forgotten.
void Service::flush() {
  std::vector<Change> changes = store_.take_changes();
  for (Change& change : api_.take_changes()) changes.push_back(std::move(change));
  write(std::move(changes));
  for (const Event& event : store_.take_events()) tell(event);
  for (const SaidMessage& said : im_.take_said()) v1_.tell(said, moment());
  for (const SaidMessage& said : v1_.take_said()) im_.tell(said, moment());
  answer_polls();
  send_orders();
  send_events();
}

void Service::write(std::vector<Change> changes) {
  if (changes.empty()) return;
  // After a failure the file lacks something: a snapshot brings all of it.
  auto written = journal_good_ && !journal_.wants_snapshot() ? journal_.append(changes)
                                                             : journal_.write_snapshot(snapshot());
  journal_good_ = written.has_value();
  if (journal_good_) return;
  ++counts_.journal_failures;
  static net::LogLimit limit;
  net::log_limited(limit, net::LogLevel::kError, "journal_not_written",
                   {{"error", written.error().message}});
}

std::vector<Change> Service::snapshot() const {
  std::vector<Change> changes = store_.snapshot();
  for (Change& change : accounts_.snapshot(net::Loop::wall_clock())) {
    changes.push_back(std::move(change));
  }
  return changes;
}

void Service::tell(const Event& event) {
  v1_.handle_event(event, moment());
  im_.handle_event(event, moment());
  if (const auto* opened = std::get_if<RoomOpened>(&event)) {
    LOG(kInfo, "room_opened", {{"room", opened->room.view()}, {"type", type_name(opened->type)}});
  } else if (const auto* gone = std::get_if<RoomDissolved>(&event)) {
    ++counts_.dissolved[static_cast<std::size_t>(gone->cause)];
    LOG(kInfo, "room_dissolved", {{"room", gone->room.view()}, {"cause", cause_name(gone->cause)}});
    directory_.close(gone->room, gone->relay);
  } else if (const auto* left = std::get_if<PusherLeft>(&event)) {
    const bool timed_out = left->cause == LeaveCause::kTimeout;
    if (timed_out) ++counts_.members_timed_out;
    LOG(kInfo, "member_left",
        {{"room", left->room.view()}, {"user", left->user.view()}, {"timed_out", timed_out}});
  }
}

void Service::on_relay_change(std::size_t relay) {
  RelayView& view = relays_[relay]->view();
  for (const MediaChange& change : view.take_changes()) {
    store_.handle_media(loop_.now(), change.room, change.user, change.publishing);
  }
  for (const StreamChange& change : view.take_stream_changes()) {
    v1_.handle_stream(change.room, change.user, change.stream, change.up, moment());
  }
  if (view.take_resynced()) {
    const std::size_t unknown = directory_.handle_resynced(relay);
    if (unknown > 0) LOG(kWarning, "relay_had_rooms_that_are_gone", {{"count", unknown}});
  }
  const std::string& address = relays_.front()->view().address();
  if (!address.empty()) {
    const std::string host = host_only(address);
    addresses_.set_hosts(config_.addresses_push_host.empty() ? host : config_.addresses_push_host,
                         config_.addresses_play_host.empty() ? host : config_.addresses_play_host);
  }
  flush();
}

/// WebSockets that want events.
void Service::offer_events() {
  net::WebSocketHandlers handlers;
  handlers.accept = [this](const net::HttpRequest& request, net::WebSocketId id) {
    if (!guard_.allow(loop_.now(), request.peer)) {
      ++counts_.refused_floods;
      return std::optional{problem_response(Problem::kTooManyRequests)};
    }
    return v1_.listen(request, ListenerId{static_cast<std::uint64_t>(id)}, moment());
  };
  handlers.opened = [this](net::WebSocketId) { send_events(); };
  handlers.closed = [this](net::WebSocketId id) {
    events_.forget(ListenerId{static_cast<std::uint64_t>(id)});
  };
  server_.websockets(std::move(handlers));
}

/// A listener whose queue is full is closed by the server, which says so.
void Service::send_events() {
  for (RoomEvents::Send& send : events_.take_sends()) {
    server_.send(net::WebSocketId{static_cast<std::uint64_t>(send.to)}, std::move(send.text));
  }
  for (const RoomEvents::Close& close : events_.take_closes()) {
    server_.close(net::WebSocketId{static_cast<std::uint64_t>(close.who)}, close.reason);
  }
}

void Service::tell_application(const Json& event) {
  if (!webhooks_) return;
  webhooks_->tell(event.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Service::send_orders() {
  for (RelayDirectory::Order& order : directory_.take_orders()) {
    relays_[order.relay]->order(std::move(order.message));
  }
}

void Service::on_sweep() {
  store_.handle_timeout(loop_.now());
  im_.handle_timeout(loop_.now());
  flush();
  sweep_.arm_in(kSweepInterval);
}

net::HttpResponse Service::ready() const {
  if (journal_good_) return {200, "text/plain", "ready\n"};
  return {503, "text/plain", "journal\n"};
}

std::string Service::metrics() const {
  MetricsView view;
  view.version = version_;
  view.start_time_s = started_s_;
  view.ready = journal_good_;
  for (const RoomType type : kRoomTypes) {
    view.rooms[static_cast<std::size_t>(type)] = store_.room_count(type);
  }
  view.pushers = store_.pusher_count();
  view.viewers = store_.viewer_count();
  view.sessions = im_.mailbox().session_count();
  view.polls = im_.mailbox().poll_count();
  view.journal_bytes = journal_.bytes();
  for (const auto& relay : relays_) {
    view.relays_ready += relay->view().ready() ? 1U : 0U;
    view.relay_streams += relay->view().stream_count();
  }
  return metrics_text(view, counts_);
}

}  // namespace sluice::rooms
