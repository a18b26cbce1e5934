// RoomHome: the authority of one room, on the worker that is its home. It orders what members of
// all branches ask for (joining, pushing, leaving) and tells every branch the outcome, so that all
// see the same sequence. It also tells the main thread. Values in, mail out; it knows no links and
// no media.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <unordered_map>

#include "relay/worker/courier.h"
#include "relay/worker/mail.h"

namespace sluice::relay {

class RoomHome {
 public:
  RoomHome(RoomId id, RoomName name, std::size_t streams_max, Courier& courier);

  /// A branch's first member makes it a branch: it is told all that is known first. A second link
  /// of the same user and instance replaces the first.
  void handle(const Join& join);
  void handle(const Leave& leave);

  /// P-CTRL-05: a name of the same user is replaced, one of another user refused.
  void handle(const OpenStream& open);
  void handle(const CloseStream& close);
  void handle(const AppMessage& message);
  void handle(const MemberRights& rights);

  /// The room ends.
  void end();

  std::size_t members() const { return members_.size(); }

  std::size_t streams() const { return streams_.size(); }

 private:
  struct HomeMember {
    Pass pass;
    WorkerIndex worker{};
  };

  struct HomeStream {
    StreamOpened opened;  // what a new branch is told
  };

  template <class Message>
  void broadcast(const Message& message);
  void refuse(const OpenStream& open, WorkerIndex worker, wire::AnswerStatus status);
  void close_stream(wire::StreamHandle handle);
  void tell_new_branch(WorkerIndex worker);

  void event(RelayEvent event) { courier_.to_main(std::move(event)); }

  wire::StreamHandle free_handle();

  RoomId id_;
  RoomName name_;
  std::size_t streams_max_;
  Courier& courier_;
  std::array<bool, kWorkersMax> branches_{};
  std::unordered_map<ConnectionId, HomeMember> members_;
  // Ordered: a new branch hears of streams in the order in which they came.
  std::map<wire::StreamHandle, HomeStream> streams_;
  std::unordered_map<StreamName, wire::StreamHandle> handles_;
  std::uint16_t next_handle_ = 1;
  bool up_ = false;
};

}  // namespace sluice::relay
