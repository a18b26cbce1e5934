#include "bench/link/sim_member.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"

namespace sluice::bench {

using net::Callback;

void SimMember::open(client::ClientLink::Config config, Instant now) {
  relay_ = config.relay;
  auto started = client::ClientLink::start(std::move(config), now);
  CHECK(started.has_value());  // the credentials are the simulated relay's own
  link_ = std::move(*started);
}

void SimMember::handle_datagram(Instant now, Bytes bytes, const Address& from) {
  inbox_.assign(bytes.begin(), bytes.end());
  static_cast<void>(link_->handle_datagram(now, inbox_, from, 0));
  after_input(now);
}

void SimMember::handle_timeout(Instant now) {
  link_->handle_timeout(now);
  after_input(now);
}

Instant SimMember::next_deadline() const {
  return link_ ? std::min(link_->next_deadline(), wake_at_) : kNever;
}

std::optional<sim::SimDatagram> SimMember::poll_datagram(Instant now) {
  if (!link_) return std::nullopt;
  if (rest_.empty()) {
    link::SendArena arena{memory_};
    const auto run = link_->poll_transmit(now, arena, kRunPacketsMax);
    if (!run) return std::nullopt;
    rest_ = run->bytes;
    segment_ = run->segment_bytes;
  }
  const std::size_t size = std::min<std::size_t>(rest_.size(), segment_);
  const Bytes one = rest_.first(size);
  rest_ = rest_.subspan(size);
  return sim::SimDatagram{relay_, {one.begin(), one.end()}};
}

void SimMember::after_input(Instant now) {
  if (link_->link() == nullptr) return;
  if (!std::exchange(told_, true)) joined(link_->link());
  while (const auto happened = link_->poll_event()) event(now, *happened);
  wake_at_ = turn(now);
}

SimSubscriber::SimSubscriber(const CellOptions& options, Instant counted_from)
    : ledgers_(options.budget.value_or(client::kPlayOutMin), counted_from),
      side_(
          options,
          {Callback<Instant, TrackKind, const wire::MediaHeader&>::to<&SimSubscriber::handle_part>(
               this),
           Callback<Instant, TrackKind, std::uint32_t>::to<&SimSubscriber::handle_played>(this),
           Callback<Instant, Duration>::to<&SimSubscriber::handle_play_out>(this)}) {}

}  // namespace sluice::bench
