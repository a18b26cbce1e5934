#include "relay/control/mirror.h"

#include <variant>

namespace sluice::relay {
namespace {

// The two enums have one list of values; the schema's file may not see the relay's and the reverse.
static_assert(static_cast<int>(TrackKind::kData) == static_cast<int>(schema::TrackKind::kData));

std::vector<schema::Track> to_tracks(const std::vector<TrackInfo>& tracks) {
  std::vector<schema::Track> result;
  result.reserve(tracks.size());
  for (const TrackInfo& t : tracks) {
    result.push_back({t.id, static_cast<schema::TrackKind>(t.kind), t.codec, t.rendition});
  }
  return result;
}

}  // namespace

schema::Message Mirror::apply(const RelayEvent& event) {
  return std::visit([this](const auto& e) { return take(e); }, event);
}

Mirror::Room& Mirror::room(const RoomName& name) {
  Room& room = rooms_[name];
  room.message.room = name;
  return room;
}

schema::Message Mirror::take(const RoomUp& event) {
  Room& up = room(event.room);
  up.up = true;
  return up.message;
}

schema::Message Mirror::take(const RoomDown& event) {
  rooms_.erase(event.room);
  return schema::RoomDown{event.room};
}

schema::Message Mirror::take(const MemberIn& event) {
  schema::MemberIn in{event.room, event.user, event.instance, event.rights,
                      schema::EndpointKind::kLink};
  room(event.room).members[{event.user, event.instance}] = in;
  return in;
}

schema::Message Mirror::take(const MemberOut& event) {
  room(event.room).members.erase({event.user, event.instance});
  return schema::MemberOut{event.room, event.user, event.instance, event.reason};
}

schema::Message Mirror::take(const StreamUp& event) {
  schema::StreamUp up{event.room, event.user, event.stream, to_tracks(event.tracks)};
  room(event.room).streams[event.stream] = up;
  return up;
}

schema::Message Mirror::take(const StreamDown& event) {
  room(event.room).streams.erase(event.stream);
  return schema::StreamDown{event.room, event.user, event.stream};
}

void Mirror::open_room(const schema::OpenRoom& request) {
  Room& opened = room(request.room);
  opened.message.limits = request.limits;
  opened.message.blob = request.blob;
}

void Mirror::close_room(const RoomName& name) {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return;
  // A room with members goes down with its own event.
  if (!found->second.up) rooms_.erase(found);
}

std::vector<schema::Message> Mirror::state() const {
  std::vector<schema::Message> events;
  for (const auto& [name, room] : rooms_) {
    events.emplace_back(room.message);
    for (const auto& [key, member] : room.members) events.emplace_back(member);
    for (const auto& [key, stream] : room.streams) events.emplace_back(stream);
  }
  return events;
}

}  // namespace sluice::relay
