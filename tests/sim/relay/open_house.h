// OpenHouse: a house that takes in members who obey no rule.
#pragma once

#include "tests/sim/relay/house.h"
#include "tests/sim/relay/raw_member.h"

namespace sluice::sim {

struct RawMembers {
  std::vector<std::unique_ptr<RawMember>> raw;
};

class OpenHouse : public RawMembers, public House {
 public:
  RawMember& join_raw(std::string_view user, const std::vector<wire::RoomMessage>& requests) {
    RawMember& member = let_in(user, requests);
    net.run_for(milliseconds{100});
    CHECK(member.joined());
    return member;
  }

  /// Its INIT comes from `stranger` first, then from where it is: it learns the ACCEPT this way.
  RawMember& join_with_forged_init(std::string_view user, const Address& stranger) {
    RawMember& member = let_in(user, {wire::Subscribe{}});
    const std::vector<std::byte> init = member.take(net.now());
    relay.handle_datagram(net.now(), init, stranger);
    relay.handle_datagram(net.now(), init, raw_address());
    net.run_for(milliseconds{2});
    CHECK(member.joined());
    return member;
  }

 private:
  Address raw_address() const {
    return Address::v4(10, 1, static_cast<std::uint8_t>(raw.size()), 2, 5000);
  }

  RawMember& let_in(std::string_view user, const std::vector<wire::RoomMessage>& requests) {
    raw.push_back(std::make_unique<RawMember>(2000 + raw.size(), kRelay, relay.key(),
                                              relay.issue("room", user, net.now()), requests,
                                              net.now()));
    net.add(raw_address(), *raw.back());
    net.connect(raw_address(), kRelay, path(0, Duration{500}), path(0, Duration{500}));
    return *raw.back();
  }
};

}  // namespace sluice::sim
