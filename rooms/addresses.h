// Addresses: where a stream is pushed to and played from, in the seed's shape: stream, bizid,
// txSecret, txTime. The signature says for what it is: a play address never lets anyone push.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/crypto/sealed.h"
#include "rooms/room.h"

namespace sluice::rooms {

/// Validity of an address: the seed's week.
inline constexpr std::int64_t kAddressSeconds = 7 * 86400;

struct AddressHosts {
  std::string push, play;  // HOST or HOST:PORT; empty: there is none
  std::string bizid;
};

class Addresses {
 public:
  Addresses(const crypto::SealKey& secret, AddressHosts hosts, RandomSource random)
      : key_(crypto::derive_key(secret, "sluice rooms addresses 1")),
        hosts_(std::move(hosts)),
        random_(random) {}

  bool have_hosts() const { return !hosts_.push.empty() && !hosts_.play.empty(); }

  void set_hosts(std::string push, std::string play) {
    hosts_.push = std::move(push);
    hosts_.play = std::move(play);
  }

  /// A new one at each call: BIZID_USER_hhhh.
  StreamName new_stream(const UserId& user) const;

  std::string push_url(const StreamName& stream, UnixSeconds now) const;

  /// For low delay; the seed's accelerateURL.
  std::string play_url(const StreamName& stream, UnixSeconds now) const;

  /// mixedPlayURL and the like, without a signature: SCHEME://HOST/live/STREAM + ending.
  std::string plain_url(std::string_view scheme, const StreamName& stream,
                        std::string_view ending) const;

  /// The stream of a push address that was made here for this user and is still valid.
  std::optional<StreamName> stream_of(std::string_view push_url, const UserId& user,
                                      UnixSeconds now) const;

 private:
  std::string query(std::string_view role, const StreamName& stream, std::string_view time) const;
  std::string secret_of(std::string_view role, const StreamName& stream,
                        std::string_view time) const;

  crypto::SealKey key_;
  AddressHosts hosts_;
  RandomSource random_;
};

}  // namespace sluice::rooms
