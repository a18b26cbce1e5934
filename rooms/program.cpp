#include "rooms/program.h"

#include <cstdlib>
#include <utility>

#include "daemon/private_folder.h"
#include "daemon/secret_file.h"
#include "net/address.h"
#include "net/log.h"
#include "net/sd_notify.h"
#include "proto/crypto/secret.h"
#include "rooms/application_keys.h"
#include "rooms/journal.h"

namespace sluice::rooms {
namespace {

Unexpected<Failure> failed(const char* setting, const Failure& failure) {
  return Unexpected{Failure{std::string{setting} + ": " + failure.message}};
}

}  // namespace

Program::Program(Private, net::Loop& loop, ProgramOptions options)
    : loop_(loop),
      options_(std::move(options)),
      shutdown_(loop, net::Callback<>::to<&Program::on_signal>(this)) {}

Result<std::unique_ptr<Program>, Failure> Program::start(net::Loop& loop, ProgramOptions options) {
  crypto::init_crypto();
  auto program = std::make_unique<Program>(Private{}, loop, std::move(options));
  for (const auto step : {&Program::prepare_dev, &Program::make_service, &Program::listen}) {
    if (auto done = (program.get()->*step)(); !done) return Unexpected{done.error()};
  }
  if (auto watched = program->shutdown_.watch(); !watched) return Unexpected{watched.error()};
  program->service_->start();
  return program;
}

Status<Failure> Program::prepare_dev() {
  if (!options_.dev) return Done{};
  Config& config = options_.config;
  auto folder =
      daemon::runtime_folder([](const char* name) -> const char* { return std::getenv(name); });
  if (!folder) return Unexpected{folder.error()};
  if (!options_.relay_given) config.relay_control = *folder + "/control.sock";
  if (!options_.state_given) config.service_state_folder = *folder + "/rooms";
  // All its clients come from one address, and choose who they are.
  config.listen_requests_per_address = 0;
  config.account_chosen_ids = true;
  config.v1_guests = true;
  return Done{};
}

Status<Failure> Program::make_service() {
  Config& config = options_.config;
  const std::string& folder = config.service_state_folder;
  if (auto made = daemon::make_private_folder(folder); !made) {
    return failed("service.state_folder", made.error());
  }
  auto secret = daemon::read_or_make_secret("service.state_folder", folder + "/secret",
                                            crypto::system_random());
  if (!secret) return Unexpected{secret.error()};
  auto keys = read_application_keys(config, crypto::system_random());
  if (!keys) return Unexpected{keys.error()};
  auto webhook_key = read_webhook_key(config, *keys);
  if (!webhook_key) return Unexpected{webhook_key.error()};
  auto journal = Journal::open(folder);
  if (!journal) return Unexpected{journal.error()};
  if (journal->cut) LOG(kWarning, "journal_cut", {{"folder", folder}});
  if (journal->damaged) {
    LOG(kError, "journal_damaged", {{"kept", folder + "/journal.damaged"}});
  }
  service_ = std::make_unique<Service>(
      loop_, Service::Parts{config, options_.version, *secret, *std::move(keys),
                            *std::move(webhook_key), *std::move(journal)});
  return Done{};
}

Status<Failure> Program::listen() {
  const std::string& text = options_.config.listen_address;
  auto address = net::resolve_first(text);
  if (!address) return failed("listen.address", address.error());
  if (options_.dev && !address->is_loopback()) {
    return Unexpected{Failure{"listen.address: --dev is for this machine alone and " + text +
                              " is not; listen on 127.0.0.1 or [::1], or leave --dev out"}};
  }
  auto bound = service_->listen(*address);
  if (!bound && options_.dev && !options_.listen_given) {
    address->port = 0;  // the usual one is taken
    bound = service_->listen(*address);
  }
  if (!bound) return failed("listen.address", bound.error());
  address_ = *bound;
  const std::string listening = address_.to_string();
  LOG(kInfo, "rooms_started",
      {{"address", listening},
       {"relay", options_.config.relay_control},
       {"state", options_.config.service_state_folder},
       {"version", options_.version}});
  net::sd_notify("READY=1\nSTATUS=serving rooms on " + listening);
  return Done{};
}

std::string Program::greeting() const {
  if (!options_.dev) return {};
  const std::string base = "http://" + address_.to_string() + "/weapp";
  return "sluice-rooms serves rooms on " + address_.to_string() +
         ". Who am I, and which rooms exist:\n" + "  curl -s '" + base +
         "/utils/get_login_info?userID=alice'\n" + "  curl -s " + base + "/utils/check_config\n" +
         "docs/API.md has every call. Ctrl-C ends it.\n";
}

void Program::on_signal() {
  net::sd_notify("STOPPING=1");
  service_->stop();
  loop_.stop();
}

}  // namespace sluice::rooms
