#include "relay/room/home.h"

#include <utility>

#include "relay/room/rights.h"

namespace sluice::relay {

RoomHome::RoomHome(RoomId id, RoomName name, std::size_t streams_max, Courier& courier)
    : id_(id), name_(name), streams_max_(streams_max), courier_(courier) {}

void RoomHome::handle(const Join& join) {
  if (!std::exchange(up_, true)) event(RoomUp{name_});
  for (const auto& [connection, member] : members_) {
    if (member.pass.user != join.pass.user || member.pass.instance != join.pass.instance) continue;
    const WorkerIndex worker = member.worker;
    const Leave replaced{id_, connection, LeaveReason::kReplaced, link::CloseCode::kReplaced};
    courier_.to_worker(worker, CloseLink{connection, replaced.code, replaced.reason});
    handle(replaced);  // its branch's own Leave will find nobody
    break;
  }
  if (!std::exchange(branches_[static_cast<std::size_t>(join.worker)], true)) {
    tell_new_branch(join.worker);
  }
  members_.emplace(join.pass.connection, HomeMember{join.pass, join.worker});
  broadcast(MemberEntered{id_, join.worker, join.pass});
  event(MemberIn{name_, join.pass.user, join.pass.instance, join.pass.rights.bits()});
}

void RoomHome::handle(const Leave& leave) {
  const auto found = members_.find(leave.connection);
  if (found == members_.end()) return;
  const Pass pass = found->second.pass;
  members_.erase(found);
  for (auto it = streams_.begin(); it != streams_.end();) {
    const wire::StreamHandle handle = it->first;
    const bool own = it->second.opened.pusher == leave.connection;
    ++it;
    if (own) close_stream(handle);
  }
  broadcast(MemberLeft{id_, leave.connection, pass.user, leave.code, is_hidden(pass.rights)});
  event(MemberOut{name_, pass.user, pass.instance, leave.reason});
}

void RoomHome::handle(const OpenStream& open) {
  const auto pusher = members_.find(open.pusher);
  if (pusher == members_.end()) return;  // it left meanwhile
  const WorkerIndex worker = pusher->second.worker;
  const UserName& user = pusher->second.pass.user;
  if (const auto known = handles_.find(open.name); known != handles_.end()) {
    const wire::StreamHandle handle = known->second;
    if (streams_.at(handle).opened.user != user) {
      return refuse(open, worker, wire::AnswerStatus::kNameTaken);
    }
    close_stream(handle);
  }
  if (streams_.size() >= streams_max_) return refuse(open, worker, wire::AnswerStatus::kTooMany);
  StreamOpened opened;
  opened.room = id_;
  opened.stream = free_handle();
  opened.name = open.name;
  opened.user = user;
  opened.pusher = open.pusher;
  opened.origin = worker;
  opened.request = open.request;
  opened.tracks = open.tracks;
  handles_.emplace(open.name, opened.stream);
  broadcast(opened);
  StreamUp up{name_, user, open.name, {}};
  for (const wire::TrackDescription& track : open.tracks) {
    up.tracks.push_back({static_cast<std::uint8_t>(track.id), track.kind,
                         static_cast<std::uint32_t>(track.codec), track.rendition});
  }
  event(std::move(up));
  const wire::StreamHandle handle = opened.stream;
  streams_.emplace(handle, HomeStream{std::move(opened)});
}

void RoomHome::handle(const CloseStream& close) {
  const auto found = streams_.find(close.stream);
  if (found != streams_.end() && found->second.opened.pusher == close.pusher) {
    close_stream(close.stream);
  }
}

void RoomHome::handle(const AppMessage& message) {
  if (members_.contains(message.from)) broadcast(AppDelivery{message});
}

void RoomHome::handle(const MemberRights& rights) {
  const auto found = members_.find(rights.connection);
  if (found != members_.end()) found->second.pass.rights = rights.rights;
}

void RoomHome::end() {
  if (std::exchange(up_, false)) event(RoomDown{name_});
}

template <class Message>
void RoomHome::broadcast(const Message& message) {
  for (std::size_t worker = 0; worker < branches_.size(); ++worker) {
    if (branches_[worker]) {
      courier_.to_worker(WorkerIndex{static_cast<std::uint8_t>(worker)}, Message{message});
    }
  }
}

void RoomHome::refuse(const OpenStream& open, WorkerIndex worker, wire::AnswerStatus status) {
  courier_.to_worker(worker, StreamRefused{id_, open.pusher, open.request, status});
}

void RoomHome::close_stream(wire::StreamHandle handle) {
  const auto found = streams_.find(handle);
  StreamDown down{name_, found->second.opened.user, found->second.opened.name};
  handles_.erase(down.stream);
  streams_.erase(found);
  broadcast(StreamClosed{id_, handle});
  event(std::move(down));
}

void RoomHome::tell_new_branch(WorkerIndex worker) {
  for (const auto& [connection, member] : members_) {
    courier_.to_worker(worker, MemberEntered{id_, member.worker, member.pass});
  }
  for (const auto& [handle, stream] : streams_) courier_.to_worker(worker, stream.opened);
}

wire::StreamHandle RoomHome::free_handle() {
  // streams_max_ is far below 65,535, so a free one is near. 0 stays unused.
  while (next_handle_ == 0 || streams_.contains(wire::StreamHandle{next_handle_})) ++next_handle_;
  return wire::StreamHandle{next_handle_++};
}

}  // namespace sluice::relay
