// Endpoint: how a member is attached. One kind in version 1, a link; gateways add theirs to the
// variant. ActiveMembers is the worker's list of members whose endpoint was touched in this turn:
// each gets its share of the flush, and its deadline looked at again.
#pragma once

#include <variant>
#include <vector>

#include "proto/link/link.h"

namespace sluice::relay {

class Member;

struct UdpLink {
  UdpLink(link::LinkSetup setup, Instant now) : link(std::move(setup), now) {}

  link::Link link;
};

using Endpoint = std::variant<UdpLink>;

class ActiveMembers {
 public:
  /// Once per member and turn; the member keeps the mark.
  void add(Member& member) { members_.push_back(&member); }

  void remove(const Member& member) { std::erase(members_, &member); }

  /// Everything added since the last take; the caller clears the marks.
  std::vector<Member*>& members() { return members_; }

 private:
  std::vector<Member*> members_;
};

}  // namespace sluice::relay
