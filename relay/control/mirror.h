// Mirror: what the relay's events add up to, kept on the main thread: rooms with the room service's
// limits and blob, who is in them, what they push. It turns events into messages of the control
// socket, and itself into the events of a resynchronisation, in the order in which they could have
// happened. It never asks the workers.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/name.h"
#include "proto/schema/messages.h"
#include "relay/relay.h"

namespace sluice::relay {

class Mirror {
 public:
  /// Takes one event in and gives it back as the room service will see it.
  schema::Message apply(const RelayEvent& event);

  /// What an OpenRoom said. Kept until the room goes down or is closed.
  void open_room(const schema::OpenRoom& request);
  void close_room(const RoomName& room);

  bool has_room(const RoomName& room) const { return rooms_.contains(room); }

  std::size_t room_count() const { return rooms_.size(); }

  /// RoomUp, MemberIn and StreamUp of everything there is.
  std::vector<schema::Message> state() const;

 private:
  struct Room {
    bool up = false;  // else only opened
    schema::RoomUp message;
    std::map<std::pair<UserName, InstanceId>, schema::MemberIn> members;
    std::map<StreamName, schema::StreamUp> streams;
  };

  schema::Message take(const RoomUp& event);
  schema::Message take(const RoomDown& event);
  schema::Message take(const MemberIn& event);
  schema::Message take(const MemberOut& event);
  schema::Message take(const StreamUp& event);
  schema::Message take(const StreamDown& event);

  Room& room(const RoomName& name);

  std::map<RoomName, Room> rooms_;
};

}  // namespace sluice::relay
