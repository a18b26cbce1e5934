#include "relay/program.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "daemon/private_folder.h"
#include "daemon/secret_file.h"
#include "net/address.h"
#include "net/log.h"
#include "net/sd_notify.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/encoding.h"
#include "proto/crypto/secret.h"
#include "relay/advertise.h"
#include "relay/memory_budget.h"

namespace sluice::relay {
namespace {

/// Members of a --dev relay are the person who stops it.
constexpr Duration kDevDrain = std::chrono::milliseconds{200};

/// For the last CLOSE to leave, when the drain's own deadline did not end it.
constexpr Duration kStopSlack = std::chrono::seconds{1};

const char* environment(const char* name) { return std::getenv(name); }

std::size_t worker_count(std::uint64_t configured) {
  if (configured != 0) return configured;
  const std::size_t processors = std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(processors, 2, kWorkersMax + 1) - 1;
}

/// The setting named in front of what the system said.
Unexpected<Failure> failed(const char* setting, const Failure& failure) {
  return Unexpected{Failure{std::string{setting} + ": " + failure.message}};
}

Result<RelayOptions, Failure> relay_options(const Config& config, bool dev) {
  RelayOptions options;
  auto listen = net::resolve_first(config.listen_address);
  if (!listen) return failed("listen.address", listen.error());
  if (dev && !listen->is_loopback()) {
    return Unexpected{Failure{"listen.address: --dev is for this machine alone and " +
                              config.listen_address +
                              " is not; listen on 127.0.0.1 or [::1], or leave --dev out"}};
  }
  options.listen = *listen;
  options.loopback_only = dev;
  options.workers = worker_count(config.listen_workers);
  options.limits.rooms_max = config.limits_rooms;
  options.limits.links_per_worker_max = config.limits_links_per_worker;
  options.limits.members_per_room_max = config.limits_members_per_room;
  options.limits.streams_per_room_max = config.limits_streams_per_room;
  options.limits.streams_per_member_max = config.limits_streams_per_member;
  if (!config.relay_reset_secret_file.empty()) {
    auto secret = daemon::read_or_make_secret(
        "relay.reset_secret_file", config.relay_reset_secret_file, crypto::system_random());
    if (!secret) return Unexpected{secret.error()};
    options.reset_secret = *secret;
  }
  return options;
}

/// The same host with a port that the kernel chooses.
std::string on_any_port(const std::string& address) {
  return address.substr(0, address.rfind(':')) + ":0";
}

}  // namespace

Program::Program(Private, net::Loop& loop, ProgramOptions options)
    : loop_(loop),
      options_(std::move(options)),
      server_(loop),
      shutdown_(loop, net::Callback<>::to<&Program::on_signal>(this)),
      watchdog_(loop, net::Callback<>::to<&Program::on_watchdog>(this)),
      stop_timer_(loop, net::Callback<>::to<&Program::on_stopped>(this)) {}

Program::~Program() = default;

Result<std::unique_ptr<Program>, Failure> Program::start(net::Loop& loop, ProgramOptions options) {
  crypto::init_crypto();
  auto program = std::make_unique<Program>(Private{}, loop, std::move(options));
  for (const auto step : {&Program::prepare_dev, &Program::start_relay, &Program::start_control,
                          &Program::start_pages, &Program::write_dev_files}) {
    if (auto done = (program.get()->*step)(); !done) return Unexpected{done.error()};
  }
  if (auto watched = program->shutdown_.watch(); !watched) return Unexpected{watched.error()};
  program->announce();
  return program;
}

Status<Failure> Program::prepare_dev() {
  crypto::system_random()(boot_id_);
  if (!options_.dev) return Done{};
  Config& config = options_.config;
  if (!options_.listen_given) config.listen_address = "127.0.0.1:4700";
  if (!options_.http_given) config.http_address = "127.0.0.1:8080";
  auto folder = daemon::runtime_folder(environment);
  if (!folder) return Unexpected{folder.error()};
  const std::string shared = *folder + "/dev.json";
  if (!options_.control_given) config.control_path = *folder + "/control.sock";
  if (config.relay_reset_secret_file.empty()) {
    config.relay_reset_secret_file = *folder + "/reset_secret";
  }
  if (options_.control_given) dev_paths_.push_back(config.control_path + ".json");
  if (!options_.control_given || !is_taken(shared)) dev_paths_.push_back(shared);
  return Done{};
}

Status<Failure> Program::start_relay() {
  Config& config = options_.config;
  auto options = relay_options(config, options_.dev);
  if (!options) return Unexpected{options.error()};
  const auto sink = [this](const RelayEvent& event) { server_.publish(mirror_.apply(event)); };
  auto relay = Relay::start(*options, loop_, sink);
  if (!relay && options_.dev && !options_.listen_given) {
    options->listen.port = 0;  // the usual one is taken
    relay = Relay::start(*options, loop_, sink);
  }
  if (!relay) return failed("listen.address", relay.error());
  relay_ = *std::move(relay);

  const Advertised advertised = advertised_address(config.relay_address, relay_->address());
  if (advertised.guessed) {
    LOG(kWarning, "relay_address_guessed",
        {{"address", advertised.address}, {"cure", "set relay.address to what clients can reach"}});
  }
  introduction_.emplace(loop_, *relay_, options_.version, advertised.address, boot_id_);
  Orders::Config orders;
  orders.address = advertised.address;
  orders.rooms_max = config.limits_rooms;
  orders.drain = [this](Duration grace) { drain(grace, [] {}); };
  orders_.emplace(*relay_, mirror_, std::move(orders));
  return Done{};
}

Status<Failure> Program::start_control() {
  const Config& config = options_.config;
  ControlServer::Handlers handlers;
  handlers.hello = [this] { return introduction_->hello(); };
  handlers.request = [this](const schema::Message& request, ControlServer::Reply reply) {
    orders_->handle(request, std::move(reply));
  };
  handlers.state = [this] { return mirror_.state(); };
  std::ranges::copy(relay_->ticket_key(), handlers.ticket_key.begin());
  server_.set_handlers(std::move(handlers));
  if (auto listening = server_.listen_unix(config.control_path); !listening) {
    const char* cure = options_.dev && !options_.control_given
                           ? "; another --dev relay runs: stop it, or start this one with "
                             "--control PATH"
                           : "";
    return failed("control.path", Failure{listening.error().message + cure});
  }
  if (config.control_tcp_address.empty()) return Done{};
  auto address = net::resolve_first(config.control_tcp_address);
  if (!address) return failed("control.tcp_address", address.error());
  const net::TlsFiles files{config.control_tls_certificate, config.control_tls_key,
                            config.control_tls_ca};
  auto listening = server_.listen_tls(*address, files);
  if (!listening) return failed("control.tcp_address", listening.error());
  LOG(kInfo, "control_listening", {{"address", listening->to_string()}});
  return Done{};
}

MetricsSource Program::metrics_source() {
  MetricsSource source;
  source.door = &relay_->door_metrics();
  for (std::size_t i = 0; i < relay_->worker_count(); ++i) {
    source.workers.push_back(&relay_->worker_metrics(i));
  }
  source.control = [this] { return server_.counts(); };
  source.draining = [this] { return relay_->draining(); };
  source.version = options_.version;
  source.aead_backend = crypto::aead_backend();
  source.start_time_s = net::Loop::wall_clock().value;
  return source;
}

Status<Failure> Program::start_pages() {
  const std::string& text = options_.config.http_address;
  if (text.empty()) return Done{};
  metrics_ = metrics_source();
  pages_.emplace(loop_, [this] { return metrics_text(metrics_); });
  auto listening = [&](const std::string& address) -> Result<Address, Failure> {
    auto resolved = net::resolve_first(address);
    if (!resolved) return Unexpected{resolved.error()};
    return pages_->listen(*resolved);
  };
  auto bound = listening(text);
  if (!bound && options_.dev && !options_.http_given) bound = listening(on_any_port(text));
  if (!bound) return failed("http.address", bound.error());
  http_address_ = bound->to_string();
  return Done{};
}

Status<Failure> Program::write_dev_files() {
  if (!options_.dev) return Done{};
  DevEntry entry;
  entry.address = relay_->address().to_string();
  entry.relay_key = crypto::to_hex(relay_->public_key());
  entry.control = options_.config.control_path;
  entry.http = http_address_;
  entry.boot_id = crypto::to_hex(boot_id_);
  entry.pid = ::getpid();
  for (const std::string& path : dev_paths_) {
    auto written = DevFile::write(path, entry);
    if (!written) return Unexpected{written.error()};
    dev_files_.push_back(*std::move(written));
  }
  return Done{};
}

std::string Program::greeting() const {
  if (!options_.dev) return {};
  DevEntry entry;
  entry.address = relay_->address().to_string();
  entry.control = options_.config.control_path;
  entry.http = http_address_;
  // Clients that are told nothing read dev.json; of two files one is that.
  const bool is_found = !options_.control_given || dev_files_.size() == 2;
  return dev_greeting(entry, !is_found);
}

void Program::announce() {
  if (pages_) pages_->set_readiness(Readiness::kReady);
  const std::string address = relay_->address().to_string();
  LOG(kInfo, "relay_started",
      {{"address", address},
       {"workers", relay_->worker_count()},
       {"control", options_.config.control_path},
       {"http", http_address_},
       {"aead", crypto::aead_backend()},
       {"version", options_.version}});
  const MemoryBudget memory =
      memory_budget(relay_->worker_count(), options_.config.limits_links_per_worker);
  LOG(kInfo, "memory_budget",
      {{"threads_bytes", memory.threads},
       {"link_idle_bytes", memory.link_idle},
       {"link_active_bytes", memory.link_active},
       {"links_max_bytes", memory.links_max},
       {"stream_max_bytes", memory.stream_max}});
  net::sd_notify("READY=1\nSTATUS=relaying on " + address);
  on_watchdog();
}

void Program::drain(Duration grace, std::function<void()> done) {
  if (pages_) pages_->set_readiness(Readiness::kDraining);
  LOG(kInfo, "draining", {{"grace_ms", to_us(grace) / 1000}});
  net::sd_notify("STATUS=draining");
  relay_->drain(grace, std::move(done));
}

void Program::on_signal() {
  net::sd_notify("STOPPING=1");
  const Duration grace = options_.dev
                             ? kDevDrain
                             : Duration{std::chrono::seconds{options_.config.relay_drain_seconds}};
  stop_timer_.arm_in(grace + kStopSlack);
  drain(grace, [this] { on_stopped(); });
}

void Program::on_stopped() {
  server_.close();
  loop_.stop();
}

void Program::on_watchdog() {
  const auto interval = net::watchdog_interval();
  if (!interval) return;
  net::sd_notify("WATCHDOG=1");
  watchdog_.arm_in(*interval);
}

}  // namespace sluice::relay
