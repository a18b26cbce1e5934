#include "rooms/addresses.h"

#include <array>
#include <charconv>

#include "proto/crypto/encoding.h"

namespace sluice::rooms {
namespace {

/// Seconds as the seed writes them: hexadecimal, upper case.
std::string time_text(std::int64_t seconds) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (auto rest = static_cast<std::uint64_t>(seconds); rest != 0 || text.empty(); rest >>= 4U) {
    text.insert(text.begin(), kDigits[rest & 0xFU]);
  }
  return text;
}

/// The value of `name` in a query; empty when it is not there.
std::string_view argument(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return {};
}

/// What new_stream() puts behind the user's name. Nothing else passes: user "a" must not claim a
/// stream of user "a_b".
bool is_suffix(std::string_view text) {
  constexpr std::size_t kDigits = 4;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

StreamName Addresses::new_stream(const UserId& user) const {
  std::array<std::byte, 2> bytes{};
  random_(bytes);
  const std::string text =
      hosts_.bizid + "_" + std::string{user.view()} + "_" + crypto::to_hex(bytes);
  const auto name = StreamName::parse(text);
  return name.value_or(StreamName{});
}

std::string Addresses::secret_of(std::string_view role, const StreamName& stream,
                                 std::string_view time) const {
  const std::string text = std::string{stream.view()} + " " + std::string{time};
  return crypto::to_hex(crypto::sign(key_, role, as_bytes(text)));
}

std::string Addresses::query(std::string_view role, const StreamName& stream,
                             std::string_view time) const {
  return "?bizid=" + hosts_.bizid + "&txSecret=" + secret_of(role, stream, time) +
         "&txTime=" + std::string{time};
}

std::string Addresses::push_url(const StreamName& stream, UnixSeconds now) const {
  return "rtmp://" + hosts_.push + "/live/" + std::string{stream.view()} +
         query("push", stream, time_text(now.value + kAddressSeconds));
}

std::string Addresses::play_url(const StreamName& stream, UnixSeconds now) const {
  return "rtmp://" + hosts_.play + "/live/" + std::string{stream.view()} +
         query("play", stream, time_text(now.value + kAddressSeconds));
}

std::string Addresses::plain_url(std::string_view scheme, const StreamName& stream,
                                 std::string_view ending) const {
  return std::string{scheme} + "://" + hosts_.play + "/live/" + std::string{stream.view()} +
         std::string{ending};
}

std::optional<StreamName> Addresses::stream_of(std::string_view push_url, const UserId& user,
                                               UnixSeconds now) const {
  const std::size_t question = push_url.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  const std::string_view query = push_url.substr(question + 1);
  const std::string_view path = push_url.substr(0, question);
  const std::string_view text = path.substr(path.rfind('/') + 1);
  const auto stream = StreamName::parse(text);
  const std::string prefix = hosts_.bizid + "_" + std::string{user.view()} + "_";
  if (!stream || text.substr(0, prefix.size()) != prefix ||
      !is_suffix(text.substr(prefix.size()))) {
    return std::nullopt;
  }
  const std::string_view time = argument(query, "txTime");
  const std::string expected = secret_of("push", *stream, time);
  if (!crypto::equal_constant_time(as_bytes(argument(query, "txSecret")), as_bytes(expected))) {
    return std::nullopt;
  }
  std::int64_t until = 0;
  const auto [at, error] = std::from_chars(time.data(), time.data() + time.size(), until, 16);
  const bool valid = error == std::errc{} && at == time.data() + time.size() && until >= now.value;
  return valid ? stream : std::nullopt;
}

}  // namespace sluice::rooms
