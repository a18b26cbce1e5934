#include "rooms/accounts.h"

#include <algorithm>
#include <array>

#include "proto/crypto/encoding.h"

namespace sluice::rooms {
namespace {

constexpr std::string_view kContext = "sluice rooms token 1";

/// kind, made at, valid until, and the user.
constexpr std::size_t kFixedBytes = 1 + 8 + 8;

/// The longest text there is; longer ones are not looked at.
constexpr std::size_t kTextMax =
    (kFixedBytes + UserId::kLengthMax + crypto::kSealOverheadBytes) * 4 / 3 + 2;

}  // namespace

std::int64_t Accounts::lifetime(TokenKind kind) const {
  return static_cast<std::int64_t>(kind == TokenKind::kUserSig ? lifetimes_.user_sig
                                                               : lifetimes_.token);
}

std::string Accounts::issue(TokenKind kind, const UserId& user, UnixSeconds now) const {
  std::int64_t made = now.value;
  // Somebody who logs in again within the second of his logout gets a token of the next one.
  const auto at = void_until_s_.find(user);
  if (at != void_until_s_.end() && kind != TokenKind::kUserSig) {
    made = std::max(made, at->second + 1);
  }
  std::array<std::byte, kFixedBytes + UserId::kLengthMax> buffer{};
  Writer writer{buffer};
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u64(static_cast<std::uint64_t>(made));
  writer.u64(static_cast<std::uint64_t>(made + lifetime(kind)));
  writer.bytes(as_bytes(user.view()));
  return crypto::to_base64(
      crypto::seal(key_, kContext, Bytes{buffer}.first(writer.size()), random_));
}

Result<UserId, TokenError> Accounts::check(TokenKind kind, std::string_view text,
                                           UnixSeconds now) const {
  if (text.size() > kTextMax) return Unexpected{TokenError::kMalformed};
  const auto sealed = crypto::from_base64(text);
  const auto plain = sealed ? crypto::unseal(key_, kContext, *sealed) : std::nullopt;
  if (!plain) return Unexpected{TokenError::kMalformed};
  Reader reader{*plain};
  const bool is_kind = reader.u8() == static_cast<std::uint8_t>(kind);
  const auto made = static_cast<std::int64_t>(reader.u64());
  const auto until = static_cast<std::int64_t>(reader.u64());
  const auto user = UserId::parse(as_text(reader.rest()));
  if (!is_kind || !reader.ok() || !user) return Unexpected{TokenError::kMalformed};
  if (now.value > until) return Unexpected{TokenError::kExpired};
  const auto at = void_until_s_.find(*user);
  if (kind != TokenKind::kUserSig && at != void_until_s_.end() && made <= at->second) {
    return Unexpected{TokenError::kVoid};
  }
  return *user;
}

Change Accounts::log_out(const UserId& user, UnixSeconds now) {
  std::int64_t& until = void_until_s_[user];
  until = std::max(now.value, until + 1);
  return TokensVoid{user, until};
}

void Accounts::restore(const TokensVoid& change) {
  std::int64_t& until = void_until_s_[change.user];
  until = std::max(until, change.until_s);
}

std::vector<Change> Accounts::snapshot(UnixSeconds now) const {
  std::vector<Change> changes;
  for (const auto& [user, until] : void_until_s_) {
    if (now.value - until <= lifetime(TokenKind::kToken)) {
      changes.push_back(TokensVoid{user, until});
    }
  }
  return changes;
}

std::string Accounts::random_name(std::string_view prefix) const {
  std::array<std::byte, 6> bytes{};
  random_(bytes);
  const std::string digits = crypto::to_hex(bytes);
  return std::string{prefix} + digits.substr(0, 8) + "_" + digits.substr(8);
}

UserId Accounts::random_user() const {
  const auto name = UserId::parse(random_name("user_"));
  return name.value_or(UserId{});
}

RoomId Accounts::random_room() const {
  const auto name = RoomId::parse(random_name("room_"));
  return name.value_or(RoomId{});
}

}  // namespace sluice::rooms
