#include "client/cli/join.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace sluice::client {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

/// The same for each program of this user that pushes this stream: when one was killed, the next
/// takes its place at once, and does not wait until the relay misses the first (P-CTRL-05).
InstanceId instance_of(const StreamUrl& url) {
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
  const std::string text = std::to_string(::geteuid()) + "/" + std::string{url.room.view()} + "/" +
                           std::string{url.stream.view()};
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return InstanceId{hash | 1U};
}

Result<Credentials, Error> credentials_for(const StreamUrl& url, const std::string& ticket_file) {
  auto credentials = credentials_from_file(ticket_file);
  if (!credentials || credentials->room.empty() || credentials->room == url.room.view()) {
    return credentials;
  }
  return fail(ExitCode::kBadInput, ticket_file + ": this ticket is for the room " +
                                       credentials->room + ", not " + std::string{url.room.view()});
}

Result<Credentials, Error> find_credentials(net::Loop& loop, const JoinOptions& options,
                                            const StreamUrl& url, crypto::Rights rights) {
  if (!options.ticket_file.empty()) return credentials_for(url, options.ticket_file);
  const bool pushes = rights == crypto::kPushRights;
  auto user = random_user_name(crypto::system_random());
  if (!options.user.empty()) {
    const auto named = UserName::parse(options.user);
    if (!named) {
      return fail(ExitCode::kBadInput,
                  options.user + ": a user is 1 to 64 letters, digits, _ or -");
    }
    user = *named;
  } else if (pushes) {
    if (const auto named = UserName::parse(url.stream.view())) user = *named;
  }
  const auto path = control_path(options.control);
  if (!path) return Unexpected{path.error()};
  TicketWish wish{url.room, user, rights};
  if (pushes) wish.instance = instance_of(url);
  const auto ticket = ask_for_ticket(loop, *path, wish);
  if (!ticket) return Unexpected{ticket.error()};
  return credentials_of(*ticket);
}

}  // namespace

ExitCode end_with(const Error& error) {
  print_on_stderr("sluice: " + error.message + "\n");
  return error.code;
}

Result<std::string, Error> control_path(const std::string& path) {
  if (!path.empty()) return path;
  return control_path_of_dev_file(dev_file_path(environment));
}

Result<ClientLink::Config, Error> prepare_join(net::Loop& loop, const JoinOptions& options,
                                               const StreamUrl& url, crypto::Rights rights) {
  auto credentials = find_credentials(loop, options, url, rights);
  if (!credentials) return Unexpected{credentials.error()};
  const auto relay = relay_address(*credentials, url.host, url.port, options.address);
  if (!relay) return Unexpected{relay.error()};
  ClientLink::Config config;
  config.credentials = std::move(credentials->secrets);
  config.relay = *relay;
  config.random = crypto::system_random();
  return config;
}

Status<Error> watch_end_signals(net::Signal& interrupt, net::Signal& terminate) {
  for (auto [signal, number] : {std::pair{&interrupt, SIGINT}, std::pair{&terminate, SIGTERM}}) {
    if (const auto watched = signal->watch(number); !watched) {
      return fail(ExitCode::kEnvironment, watched.error().message);
    }
  }
  return Done{};
}

Status<Error> report_end(const JoinOptions& options, StatusLine& line, const Connection& connection,
                         Stats& stats, const std::optional<Error>& error) {
  print_on_stderr(line.finish());
  auto drops = connection.drops();
  drops[static_cast<std::size_t>(DropReason::kLinkClosed)] = 0;  // under way when we left: no loss
  stats.count_drops(drops);
  const auto written = write_text(options.stats, stats.to_json());
  if (error) return Unexpected{*error};
  return written;
}

StatusLine::Terminal stderr_terminal() {
  const bool is_terminal = ::isatty(STDERR_FILENO) == 1;
  const char* const no_colour = std::getenv("NO_COLOR");
  return {is_terminal, is_terminal && (no_colour == nullptr || *no_colour == '\0')};
}

void print_on_stderr(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

Status<Error> write_text(const std::string& path, const std::string& text) {
  if (path.empty()) return Done{};

  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };

  const std::unique_ptr<std::FILE, Close> file{path == "-" ? stdout
                                                           : std::fopen(path.c_str(), "we")};
  const bool written = file != nullptr &&
                       std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                       std::fflush(file.get()) == 0;
  if (written) return Done{};
  return fail(ExitCode::kEnvironment, path + ": cannot write: " + std::strerror(errno));
}

Duration seconds_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
}

}  // namespace sluice::client
