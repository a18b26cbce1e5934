// Courier: how a worker's rooms send mail. What goes to the worker itself waits in a queue of its
// own and is handled in the same turn, so a room's home and its branches talk alike whether or not
// they share a thread.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "relay/worker/mail.h"
#include "relay/worker/switchboard.h"

namespace sluice::relay {

class Courier {
 public:
  Courier(Switchboard& switchboard, WorkerIndex self) : switchboard_(switchboard), self_(self) {}

  void to_worker(WorkerIndex worker, Mail mail) {
    if (worker == self_) {
      local_.push_back(std::make_unique<Mail>(std::move(mail)));
    } else {
      switchboard_.post(party_of(self_), party_of(worker), std::move(mail));
    }
  }

  void to_door(Mail mail) { switchboard_.post(party_of(self_), kDoorParty, std::move(mail)); }

  void to_main(Mail mail) {
    switchboard_.post(party_of(self_), switchboard_.main_party(), std::move(mail));
  }

  /// The oldest mail of this worker to itself.
  std::unique_ptr<Mail> take_local() {
    if (local_.empty()) return nullptr;
    std::unique_ptr<Mail> mail = std::move(local_.front());
    local_.pop_front();
    return mail;
  }

  bool has_local() const { return !local_.empty(); }

  HandoverRing& handover_to(WorkerIndex worker) { return switchboard_.handover(self_, worker); }

  /// Something was written to handover_to(worker).
  void wrote_handover(WorkerIndex worker) { switchboard_.touch(self_, worker); }

  WorkerIndex self() const { return self_; }

 private:
  Switchboard& switchboard_;
  WorkerIndex self_;
  std::deque<std::unique_ptr<Mail>> local_;
};

}  // namespace sluice::relay
