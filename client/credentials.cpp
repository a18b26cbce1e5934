#include "client/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "client/control_client.h"
#include "net/address.h"
#include "net/socket.h"

namespace sluice::client {
namespace {

using nlohmann::ordered_json;

/// A ticket's JSON has 1 KiB; whatever is longer is another file.
constexpr std::size_t kJsonBytesMax = 64U << 10U;

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += kHexDigits[to_u8(b) >> 4U];
    text += kHexDigits[to_u8(b) & 15U];
  }
  return text;
}

/// Nothing for text that is not an even number of hex digits.
std::optional<std::vector<std::byte>> bytes_of_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    for (const char c : text.substr(i, 2)) {
      const auto digit = kHexDigits.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value << 4U | static_cast<unsigned>(digit);
    }
    out.push_back(static_cast<std::byte>(value));
  }
  return out;
}

/// The bytes of the hex string under `key`; nothing when there is none.
std::optional<std::vector<std::byte>> hex_field(const ordered_json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return bytes_of_hex(found->get_ref<const std::string&>());
}

template <std::size_t N>
bool copy_exactly(const std::optional<std::vector<std::byte>>& from, std::span<std::byte, N> to) {
  if (!from || from->size() != N) return false;
  std::copy(from->begin(), from->end(), to.begin());
  return true;
}

/// All of a small file, or an Error that names it.
Result<std::string, Error> read_small(int fd, const std::string& name) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return fail(ExitCode::kEnvironment, name + ": cannot read: " + std::strerror(errno));
    }
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
    if (text.size() > kJsonBytesMax)
      return fail(ExitCode::kBadInput, name + ": too long for a ticket");
  }
}

}  // namespace

std::string ticket_as_json(const schema::IssuedTicket& ticket, const TicketWish& wish) {
  ordered_json json;
  json["room"] = wish.room.view();
  json["user"] = wish.user.view();
  json["address"] = ticket.address;
  json["relay_key"] = hex_of(ticket.relay_key);
  json["ticket"] = hex_of(ticket.ticket);
  json["psk"] = hex_of(ticket.psk);
  json["expiry"] = ticket.expiry_s;
  return json.dump(2) + "\n";
}

Result<Credentials, Error> credentials_from_json(std::string_view text, const std::string& name) {
  const auto refuse = [&name](const std::string& what) {
    return fail(ExitCode::kBadInput,
                name + ": " + what + "; expected the JSON that `sluice ticket` prints");
  };
  const auto json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return refuse("not a JSON object");
  Credentials credentials;
  const auto address = json.find("address");
  if (address == json.end() || !address->is_string()) return refuse("no address");
  credentials.address = address->get<std::string>();
  std::span<std::byte, crypto::kKeyBytes> key{credentials.secrets.relay};
  if (!copy_exactly(hex_field(json, "relay_key"), key))
    return refuse("relay_key is not 64 hex digits");
  if (!copy_exactly(hex_field(json, "psk"), credentials.secrets.psk.mutable_bytes())) {
    return refuse("psk is not 64 hex digits");
  }
  const auto ticket = hex_field(json, "ticket");
  if (!ticket || ticket->size() < crypto::kSealedTicketBytesMin ||
      ticket->size() > crypto::kSealedTicketBytesMax) {
    return refuse("ticket is not the hex digits of one");
  }
  credentials.secrets.ticket = crypto::SealedTicket{*ticket};
  if (const auto room = json.find("room"); room != json.end() && room->is_string()) {
    credentials.room = room->get<std::string>();
  }
  return credentials;
}

Result<Credentials, Error> credentials_from_file(const std::string& path) {
  if (path == "-") {
    const auto text = read_small(STDIN_FILENO, "stdin");
    if (!text) return Unexpected{text.error()};
    return credentials_from_json(*text, "stdin");
  }
  const net::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.valid()) {
    return fail(ExitCode::kEnvironment, path + ": cannot open: " + std::strerror(errno));
  }
  const auto text = read_small(fd.get(), path);
  if (!text) return Unexpected{text.error()};
  return credentials_from_json(*text, path);
}

Result<schema::IssuedTicket, Error> ask_for_ticket(net::Loop& loop, const std::string& path,
                                                   const TicketWish& wish) {
  auto control = ControlClient::connect(loop, path);
  if (!control) return Unexpected{control.error()};
  schema::IssueTicket question;
  question.room = wish.room;
  question.user = wish.user;
  question.rights = wish.rights.bits();
  question.valid_s = wish.valid_s;
  question.instance = wish.instance;
  auto answer = (*control)->ask(question);
  if (!answer) return Unexpected{answer.error()};
  if (auto* ticket = std::get_if<schema::IssuedTicket>(&*answer)) return std::move(*ticket);
  return fail(ExitCode::kUnreachable, path + ": the relay answered something else than a ticket");
}

Result<Credentials, Error> credentials_of(const schema::IssuedTicket& ticket) {
  if (ticket.ticket.size() > crypto::kSealedTicketBytesMax) {
    return fail(ExitCode::kUnreachable, "the relay's ticket is longer than any");
  }
  Credentials credentials;
  credentials.address = ticket.address;
  credentials.secrets.relay = ticket.relay_key;
  credentials.secrets.ticket = crypto::SealedTicket{ticket.ticket};
  credentials.secrets.psk = crypto::Psk{ticket.psk};
  return credentials;
}

std::string dev_file_path(Environment environment) {
  const char* const base = environment("XDG_RUNTIME_DIR");
  if (base != nullptr && *base == '/') return std::string{base} + "/sluice/dev.json";
  return "/tmp/sluice-" + std::to_string(::geteuid()) + "/dev.json";
}

Result<std::string, Error> control_path_of_dev_file(const std::string& path) {
  const net::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd.valid() && errno == ENOENT) {
    return fail(ExitCode::kUnreachable,
                "no relay of this user runs on this machine (" + path +
                    " is missing); start `sluice-relay --dev`, or give --control or --ticket-file");
  }
  if (!fd.valid()) {
    return fail(ExitCode::kEnvironment, path + ": cannot open: " + std::strerror(errno));
  }

  // In /tmp anybody may make a file of this name.
  struct stat info {};

  if (::fstat(fd.get(), &info) != 0 || info.st_uid != ::geteuid() || (info.st_mode & 022U) != 0) {
    return fail(ExitCode::kEnvironment, path + ": not written by this user alone; not trusted");
  }
  const auto text = read_small(fd.get(), path);
  if (!text) return Unexpected{text.error()};
  const auto json = ordered_json::parse(*text, nullptr, false);
  const auto control = json.is_object() ? json.find("control") : json.end();
  if (control == json.end() || !control->is_string()) {
    return fail(ExitCode::kEnvironment, path + ": names no control socket; restart the relay");
  }
  return control->get<std::string>();
}

std::optional<crypto::Rights> parse_rights(std::string_view text) {
  using crypto::Right;
  using crypto::Rights;
  const std::pair<std::string_view, Rights> kWords[] = {
      {"push-audio", Rights{}.with(Right::kPushAudio)},
      {"push-video", Rights{}.with(Right::kPushVideo)},
      {"push-data", Rights{}.with(Right::kPushData)},
      {"push", crypto::kPushRights},
      {"subscribe", Rights{}.with(Right::kSubscribe)},
      {"control", Rights{}.with(Right::kControl)},
      {"record", Rights{}.with(Right::kRecord)},
      {"hidden", Rights{}.with(Right::kHidden)},
      {"all", crypto::kAllRights},
  };
  unsigned bits = 0;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    const std::string_view word = text.substr(0, comma);
    const auto known = std::find_if(std::begin(kWords), std::end(kWords),
                                    [&](const auto& entry) { return entry.first == word; });
    if (known == std::end(kWords)) return std::nullopt;
    bits |= known->second.bits();
    if (more) text.remove_prefix(comma + 1);
  }
  return Rights{static_cast<std::uint16_t>(bits)};
}

UserName random_user_name(RandomSource random) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  std::string name = "user-";
  for (int i = 0; i < 8; ++i) name += kLetters[random.below(kLetters.size())];
  return *UserName::parse(name);
}

Result<Address, Error> relay_address(const Credentials& credentials, const std::string& host,
                                     std::uint16_t port, const std::string& override_with) {
  net::HostPort target{host, port};
  const std::string& text = override_with.empty() ? credentials.address : override_with;
  if (!override_with.empty() || port == 0) {
    const auto parsed = net::parse_host_port(text);
    if (!parsed) return fail(ExitCode::kBadInput, parsed.error().message);
    if (!override_with.empty()) target.host = parsed->host;
    target.port = parsed->port;
  }
  const auto resolved = net::resolve_blocking(target);
  if (!resolved) return fail(ExitCode::kUnreachable, resolved.error().message);
  // "localhost" may be ::1 first, and the relay on 127.0.0.1 alone.
  const auto own = net::parse_address(credentials.address);
  for (const Address& address : *resolved) {
    if (own && address.ip == own->ip) return address;
  }
  return resolved->front();
}

}  // namespace sluice::client
