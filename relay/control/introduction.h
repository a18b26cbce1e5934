// Introduction: what the relay says of itself in Hello: who it is, where clients reach it, how busy
// it is. Samples the workers' busy time once a second.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/loop.h"
#include "proto/schema/control.h"
#include "relay/relay.h"

namespace sluice::relay {

class Introduction {
 public:
  /// `relay` outlives it.
  Introduction(net::Loop& loop, const Relay& relay, std::string version, std::string address,
               const schema::BootId& boot_id);

  schema::Hello hello() const;

 private:
  void on_sample();

  net::Loop& loop_;
  const Relay& relay_;
  schema::Hello hello_;  // what does not change
  std::vector<std::uint64_t> busy_us_;
  Instant sampled_at_;
  std::uint16_t busy_permille_ = 0;
  net::Timer timer_;
};

}  // namespace sluice::relay
