#include "rooms/v1_token.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "proto/crypto/encoding.h"
#include "proto/crypto/secret.h"
#include "rooms/request_body.h"

namespace sluice::rooms {
namespace {

using Json = nlohmann::json;

/// A part of the token that holds a JSON object.
std::optional<Json> object_of(std::string_view part) {
  const auto bytes = crypto::from_base64(part);
  if (!bytes) return std::nullopt;
  Json json = parse_json(as_text(*bytes));
  if (!json.is_object()) return std::nullopt;
  return json;
}

std::string text_claim(const Json& claims, const char* name) {
  const auto at = claims.find(name);
  return at != claims.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

/// A NumericDate may have a fraction.
std::optional<std::int64_t> time_claim(const Json& claims, const char* name) {
  constexpr double kTimeMax = 1e15;
  const auto at = claims.find(name);
  if (at == claims.end() || !at->is_number()) return std::nullopt;
  const double value = at->get<double>();
  if (!(value >= 0 && value <= kTimeMax)) return std::nullopt;
  return static_cast<std::int64_t>(std::floor(value));
}

bool names_audience(const Json& claims, const std::string& audience) {
  const auto at = claims.find("aud");
  if (at == claims.end()) return false;
  if (at->is_array()) return std::find(at->begin(), at->end(), Json(audience)) != at->end();
  return *at == audience;
}

/// Nothing for a right that there is not: a token says what it means, or nothing.
std::optional<MemberRights> rights_claim(const Json& claims) {
  const auto at = claims.find("rights");
  if (at == claims.end() || !at->is_array()) return std::nullopt;
  MemberRights rights;
  for (const Json& entry : *at) {
    if (!entry.is_string()) return std::nullopt;
    const auto right = parse_right(entry.get_ref<const std::string&>());
    if (!right) return std::nullopt;
    rights = rights.with(*right);
  }
  return rights;
}

Result<Bearer, BearerError> bearer_of(const Json& claims) {
  Bearer bearer;
  const auto user = UserId::parse(text_claim(claims, "sub"));
  const auto rights = rights_claim(claims);
  const std::string room = text_claim(claims, "room");
  if (room != "*") bearer.room = RoomId::parse(room);
  if (!user || !rights || (room != "*" && !bearer.room)) return Unexpected{BearerError::kMalformed};
  bearer.user = *user;
  bearer.rights = *rights;
  return bearer;
}

Status<BearerError> check_claims(const Json& claims, const std::string& audience, UnixSeconds now) {
  const auto expiry = time_claim(claims, "exp"), begin = time_claim(claims, "nbf");
  if (!expiry || (claims.contains("nbf") && !begin)) return Unexpected{BearerError::kMalformed};
  if (!names_audience(claims, audience)) return Unexpected{BearerError::kAudience};
  if (now.value >= *expiry + kClockSkewSeconds) return Unexpected{BearerError::kExpired};
  if (begin && now.value + kClockSkewSeconds < *begin) return Unexpected{BearerError::kNotYet};
  return Done{};
}

}  // namespace

Status<BearerError> TokenReader::check_signature(std::string_view header,
                                                 std::string_view signed_text,
                                                 std::string_view signature) const {
  const auto fields = object_of(header);
  const auto bytes = crypto::from_base64(signature);
  // What a critical extension would change we do not know (RFC 7515, section 4.1.11).
  if (!fields || !bytes || fields->contains("crit")) return Unexpected{BearerError::kMalformed};
  const std::string algorithm = text_claim(*fields, "alg");
  bool good = false;
  if (algorithm == "HS256" && keys_.shared.size() >= kSharedKeyBytesMin) {
    const auto mac = crypto::hmac_sha256(keys_.shared, as_bytes(signed_text));
    good = crypto::equal_constant_time(mac, *bytes);
  } else if (algorithm == "EdDSA" && keys_.ed25519) {
    good = crypto::verify_ed25519(*keys_.ed25519, *bytes, as_bytes(signed_text));
  } else {
    return Unexpected{BearerError::kAlgorithm};
  }
  if (!good) return Unexpected{BearerError::kSignature};
  return Done{};
}

Result<Bearer, BearerError> TokenReader::read(std::string_view text, UnixSeconds now) const {
  const std::size_t first = text.find('.'), last = text.rfind('.');
  const bool three = first != std::string_view::npos && first != last &&
                     text.find('.', first + 1) == last && text.size() <= kTokenBytesMax;
  if (!three) return Unexpected{BearerError::kMalformed};
  const auto checked =
      check_signature(text.substr(0, first), text.substr(0, last), text.substr(last + 1));
  if (!checked) return Unexpected{checked.error()};
  const auto claims = object_of(text.substr(first + 1, last - first - 1));
  if (!claims) return Unexpected{BearerError::kMalformed};
  if (auto good = check_claims(*claims, keys_.audience, now); !good) {
    return Unexpected{good.error()};
  }
  return bearer_of(*claims);
}

std::string_view text_of(BearerError error) {
  switch (error) {
    case BearerError::kMalformed:
      return "a JWT has sub (a user), room (an id or \"*\"), rights (a list), aud and exp";
    case BearerError::kAlgorithm:
      return "no key here is for its alg: sign with HS256 or EdDSA, as v1's keys are set";
    case BearerError::kSignature:
      return "its signature is not of the application's key";
    case BearerError::kAudience:
      return "aud must be what v1.audience says";
    case BearerError::kExpired:
      return "it has expired: get a new one";
    case BearerError::kNotYet:
      return "nbf is in the future: look at the clocks";
  }
  return "";
}

std::optional<crypto::Ed25519PublicKey> ed25519_of_pem(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----",
                             kEnd = "-----END PUBLIC KEY-----";
  // SubjectPublicKeyInfo of id-Ed25519 (RFC 8410, section 4); the key follows.
  constexpr std::array<std::uint8_t, 12> kHead{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                               0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  const std::size_t begin = pem.find(kBegin), end = pem.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return std::nullopt;
  }
  std::string text;
  for (const char c : pem.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (c == '+') text += '-';
    if (c == '/') text += '_';
    if (c != '+' && c != '/' && c != '=' && c > ' ') text += c;
  }
  const auto der = crypto::from_base64(text);
  crypto::Ed25519PublicKey key{};
  if (!der || der->size() != kHead.size() + key.size()) return std::nullopt;
  const bool ours = std::equal(kHead.begin(), kHead.end(), der->begin(),
                               [](std::uint8_t a, std::byte b) { return a == to_u8(b); });
  if (!ours) return std::nullopt;
  std::copy(der->begin() + kHead.size(), der->end(), key.begin());
  return key;
}

}  // namespace sluice::rooms
