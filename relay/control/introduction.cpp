#include "relay/control/introduction.h"

#include <algorithm>
#include <utility>

namespace sluice::relay {
namespace {

constexpr Duration kSampleInterval = std::chrono::seconds{1};

}  // namespace

Introduction::Introduction(net::Loop& loop, const Relay& relay, std::string version,
                           std::string address, const schema::BootId& boot_id)
    : loop_(loop),
      relay_(relay),
      busy_us_(relay.worker_count()),
      sampled_at_(loop.now()),
      timer_(loop, net::Callback<>::to<&Introduction::on_sample>(this)) {
  hello_.version = std::move(version);
  hello_.address = std::move(address);
  hello_.boot_id = boot_id;
  hello_.relay_key_id = relay.key_id();
  std::ranges::copy(relay.public_key(), hello_.relay_key.begin());
  timer_.arm_in(kSampleInterval);
}

void Introduction::on_sample() {
  const std::int64_t elapsed_us = std::max<std::int64_t>(to_us(loop_.now() - sampled_at_), 1);
  sampled_at_ = loop_.now();
  std::uint64_t busiest_us = 0;
  for (std::size_t i = 0; i < busy_us_.size(); ++i) {
    const std::uint64_t busy_us = relay_.worker_metrics(i).busy_us.value();
    busiest_us = std::max(busiest_us, busy_us - std::exchange(busy_us_[i], busy_us));
  }
  const std::uint64_t permille = busiest_us * 1000 / static_cast<std::uint64_t>(elapsed_us);
  busy_permille_ = static_cast<std::uint16_t>(std::min<std::uint64_t>(permille, 1000));
  timer_.arm_in(kSampleInterval);
}

schema::Hello Introduction::hello() const {
  schema::Hello hello = hello_;
  hello.draining = relay_.draining();
  hello.load.workers = static_cast<std::uint16_t>(relay_.worker_count());
  hello.load.rooms = static_cast<std::uint32_t>(relay_.door_metrics().rooms.value());
  for (std::size_t i = 0; i < relay_.worker_count(); ++i) {
    hello.load.members += static_cast<std::uint32_t>(relay_.worker_metrics(i).members.value());
    hello.load.streams += static_cast<std::uint32_t>(relay_.worker_metrics(i).streams.value());
  }
  hello.load.busy_permille = busy_permille_;
  return hello;
}

}  // namespace sluice::relay
