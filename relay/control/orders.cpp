#include "relay/control/orders.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace sluice::relay {

using schema::StatusCode;

namespace {

schema::Status status(StatusCode code, std::string text) { return {code, std::move(text)}; }

std::optional<InstanceId> optional_instance(InstanceId id) {
  if (id == InstanceId{}) return std::nullopt;
  return id;
}

/// Ok with the count, or not_found with `nothing` when the order touched nobody.
Relay::Count answer_count(Orders::Reply reply, std::string nothing) {
  return [reply = std::move(reply), nothing = std::move(nothing)](std::size_t count) {
    if (count == 0) return reply(status(StatusCode::kNotFound, nothing));
    schema::Status done;
    done.count = static_cast<std::uint32_t>(count);
    reply(std::move(done));
  };
}

std::size_t page_size(std::uint32_t limit) {
  if (limit == 0) return schema::kPageEntriesMax;
  return std::min<std::size_t>(limit, schema::kPageEntriesMax);
}

std::uint64_t to_ms(Duration d) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0)) / 1000;
}

std::uint32_t to_us32(Duration d) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(d.count(), 0, UINT32_MAX));
}

std::uint32_t to_ppm(double ratio) {
  return static_cast<std::uint32_t>(std::clamp(ratio, 0.0, 1.0) * 1e6);
}

schema::RoomSummary to_summary(const RoomSnapshot& room) {
  schema::RoomSummary info;
  info.room = room.name;
  info.members = static_cast<std::uint32_t>(room.members);
  info.streams = static_cast<std::uint32_t>(room.streams);
  info.subscriptions = static_cast<std::uint32_t>(room.subscriptions);
  info.age_ms = to_ms(room.age);
  info.home_worker = static_cast<std::uint16_t>(room.home_worker);
  info.branches = static_cast<std::uint16_t>(room.branches);
  return info;
}

schema::MemberSummary to_summary(const MemberSnapshot& member) {
  schema::MemberSummary info;
  info.user = member.user;
  info.instance = member.instance;
  info.rights = member.rights;
  info.worker = static_cast<std::uint16_t>(member.worker);
  info.age_ms = to_ms(member.age);
  info.address = masked_address(member.address);
  info.rtt_us = to_us32(member.rtt);
  info.jitter_us = to_us32(member.jitter);
  info.uplink_bps = member.uplink_bps;
  info.downlink_bps = member.downlink_bps;
  info.uplink_loss_ppm = to_ppm(member.uplink_loss);
  info.downlink_loss_ppm = to_ppm(member.downlink_loss);
  info.queue_ms = static_cast<std::uint32_t>(to_ms(member.queue));
  info.subscriptions = static_cast<std::uint32_t>(member.subscriptions);
  for (const StreamSnapshot& stream : member.streams) {
    if (info.streams.size() < schema::kMemberStreamsMax) info.streams.push_back(stream.name);
  }
  return info;
}

}  // namespace

/// One handle() per message; what has none is an answer or an event and no request.
struct Orders::Visitor {
  Orders& orders;
  Reply reply;

  void operator()(const schema::OpenRoom& m) {
    Mirror& mirror = orders.mirror_;
    if (m.limits.rate_kbps != 0) return not_yet("OpenRoom with rate_kbps");
    if (!mirror.has_room(m.room) && mirror.room_count() >= orders.config_.rooms_max) {
      return reply(status(StatusCode::kRefused, "this relay has its limit of rooms"));
    }
    mirror.open_room(m);
    orders.relay_.open_room(m.room, {m.limits.members_max, m.limits.streams_max},
                            [reply = reply](std::size_t) { reply(schema::Status{}); });
  }

  void operator()(const schema::CloseRoom& m) {
    const bool known = orders.mirror_.has_room(m.room);
    orders.mirror_.close_room(m.room);
    orders.relay_.close_room(m.room, [reply = reply, known](std::size_t count) {
      if (count == 0 && !known) return reply(status(StatusCode::kNotFound, "no such room"));
      schema::Status done;
      done.count = static_cast<std::uint32_t>(count);
      reply(std::move(done));
    });
  }

  void operator()(const schema::Admit& m) {
    orders.relay_.admit(m.room, m.user, [reply = reply](std::size_t) { reply(schema::Status{}); });
  }

  void operator()(const schema::Kick& m) {
    orders.relay_.kick(
        m.room, m.user, optional_instance(m.instance),
        answer_count(reply, "no such member; tickets made for it until now are void"));
  }

  void operator()(const schema::SetRights& m) {
    orders.relay_.set_rights(m.room, m.user, optional_instance(m.instance), m.rights,
                             answer_count(reply, "no such member"));
  }

  void operator()(const schema::KeyRequest& m) {
    orders.relay_.request_key(m.room, m.stream, answer_count(reply, "no such stream"));
  }

  void operator()(const schema::Drain& m) {
    const Duration grace = std::chrono::milliseconds{m.deadline_ms};
    if (grace > kDrainMax) return reply(status(StatusCode::kRefused, "deadline beyond 24 hours"));
    orders.config_.drain(grace);
    reply(schema::Status{});
  }

  void operator()(const schema::IssueTicket& m) {
    if (orders.relay_.draining()) {
      return reply(status(StatusCode::kDraining, "this relay takes no new members"));
    }
    if (m.rights == 0) return reply(status(StatusCode::kRefused, "rights: none given"));
    if (m.valid_s > kTicketValidSecondsMax) {
      return reply(status(StatusCode::kRefused, "valid_s: at most 86400, a day"));
    }
    TicketRequest request;
    request.room = m.room;
    request.user = m.user;
    request.instance = optional_instance(m.instance);
    request.rights = m.rights;
    if (m.valid_s != 0) request.valid_s = m.valid_s;
    request.rate_kbps = m.rate_kbps;
    request.session_s = m.session_s;
    request.several_instances = m.several_instances;
    issue(request);
  }

  void issue(const TicketRequest& request) {
    IssuedTicket issued = orders.relay_.issue_ticket(request);
    schema::IssuedTicket answer;
    answer.address = orders.config_.address;
    std::ranges::copy(orders.relay_.public_key(), answer.relay_key.begin());
    answer.ticket = std::move(issued.ticket);
    answer.psk = issued.psk;
    answer.expiry_s = static_cast<std::uint64_t>(issued.expiry.value);
    reply(std::move(answer));
  }

  void operator()(const schema::ListRooms& m) {
    orders.relay_.rooms([reply = reply, m](std::vector<RoomSnapshot> rooms) {
      reply(room_page(std::move(rooms), m));
    });
  }

  void operator()(const schema::ListMembers& m) {
    if (!orders.mirror_.has_room(m.room)) {
      return reply(status(StatusCode::kNotFound, "no such room"));
    }
    orders.relay_.members(m.room, [reply = reply, m](std::vector<MemberSnapshot> members) {
      reply(member_page(std::move(members), m));
    });
  }

  void operator()(const schema::StartRecording&) { not_yet("StartRecording"); }

  void operator()(const schema::StopRecording&) { not_yet("StopRecording"); }

  template <class Other>
  void operator()(const Other& m) {
    std::string name{schema::message_name(m)};
    reply(status(StatusCode::kRefused, name + " is no request to a relay"));
  }

  void not_yet(std::string_view what) {
    reply(status(StatusCode::kNotYet, std::string{what} + ": not yet"));
  }
};

Orders::Orders(Relay& relay, Mirror& mirror, Config config)
    : relay_(relay), mirror_(mirror), config_(std::move(config)) {}

void Orders::handle(const schema::Message& request, Reply reply) {
  std::visit(Visitor{*this, std::move(reply)}, request);
}

schema::RoomList room_page(std::vector<RoomSnapshot> rooms, const schema::ListRooms& request) {
  std::erase_if(rooms, [&](const RoomSnapshot& room) { return room.name <= request.after; });
  std::sort(rooms.begin(), rooms.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  schema::RoomList page;
  page.more = rooms.size() > page_size(request.limit);
  rooms.resize(std::min(rooms.size(), page_size(request.limit)));
  for (const RoomSnapshot& room : rooms) page.rooms.push_back(to_summary(room));
  return page;
}

schema::MemberList member_page(std::vector<MemberSnapshot> members,
                               const schema::ListMembers& request) {
  const auto key = [](const MemberSnapshot& m) { return std::pair{m.user, m.instance}; };
  const std::pair after{request.after_user, request.after_instance};
  std::erase_if(members, [&](const MemberSnapshot& m) { return key(m) <= after; });
  std::sort(members.begin(), members.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  schema::MemberList page;
  page.more = members.size() > page_size(request.limit);
  members.resize(std::min(members.size(), page_size(request.limit)));
  for (const MemberSnapshot& member : members) page.members.push_back(to_summary(member));
  return page;
}

}  // namespace sluice::relay
