#include "relay/worker/switchboard.h"

#include <utility>

namespace sluice::relay {

static_assert(kWorkersMax + 2 <= 64, "Sender::touched has a bit for each party");

Switchboard::Switchboard(std::size_t workers)
    : workers_(workers), senders_(workers + 2), wakes_(workers + 2) {
  CHECK(workers >= 1 && workers <= kWorkersMax);
  rings_.resize(parties() * parties());
  for (auto& ring : rings_) ring = std::make_unique<Ring>();
  handovers_.resize(workers * workers);
  for (auto& ring : handovers_) ring = std::make_unique<HandoverRing>();
}

void Switchboard::set_wake(Party party, net::Callback<> wake) {
  wakes_[static_cast<std::size_t>(party)] = wake;
}

void Switchboard::post(Party from, Party to, Mail mail) {
  DCHECK(from != to);
  sender(from).waiting.push_back({to, std::make_unique<Mail>(std::move(mail))});
}

bool Switchboard::flush(Party from) {
  Sender& sender = this->sender(from);
  // One full ring must not hold up the others, and order within a pair must hold: a party that
  // refused once is skipped for the rest of this flush.
  std::uint64_t full = 0;
  std::size_t left = sender.waiting.size();
  for (; left > 0; --left) {
    Waiting waiting = std::move(sender.waiting.front());
    sender.waiting.pop_front();
    if ((full & bit(waiting.to)) == 0 && ring(from, waiting.to).push(waiting.mail)) {
      sender.touched |= bit(waiting.to);
      continue;
    }
    full |= bit(waiting.to);
    sender.waiting.push_back(std::move(waiting));
  }
  for (std::size_t party = 0; party < parties(); ++party) {
    if ((sender.touched >> party & 1U) != 0) wakes_[party]();
  }
  sender.touched = 0;
  return !sender.waiting.empty();
}

std::unique_ptr<Mail> Switchboard::take(Party to) {
  for (std::size_t from = 0; from < parties(); ++from) {
    Ring& inbox = ring(Party{static_cast<std::uint8_t>(from)}, to);
    if (std::unique_ptr<Mail>* mail = inbox.front(); mail != nullptr) {
      std::unique_ptr<Mail> taken = std::move(*mail);
      inbox.pop();
      return taken;
    }
  }
  return nullptr;
}

HandoverRing& Switchboard::handover(WorkerIndex from, WorkerIndex to) {
  return *handovers_[static_cast<std::size_t>(from) * workers_ + static_cast<std::size_t>(to)];
}

}  // namespace sluice::relay
