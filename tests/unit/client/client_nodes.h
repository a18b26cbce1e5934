// A pusher and a subscriber as nodes of the simulated network: the client's own link and machines,
// with the turns that its programs give them. For tests of a whole call, over whatever relay.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/client_link.h"
#include "client/flv_sink.h"
#include "client/media_source.h"
#include "client/pusher.h"
#include "client/subscriber.h"
#include "sim/net.h"

namespace sluice::client {

/// A ClientLink on the simulated network, and its owner's turn.
class ClientNode : public sim::SimNode {
 public:
  void open(ClientLink::Config config, Instant now) {
    link = std::move(*ClientLink::start(std::move(config), now));
  }

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override {
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    static_cast<void>(link->handle_datagram(now, copy, from, 0));
    after_input(now);
  }

  void handle_timeout(Instant now) override {
    link->handle_timeout(now);
    after_input(now);
  }

  Instant next_deadline() const override {
    return link ? std::min(link->next_deadline(), wake_at_) : kNever;
  }

  std::optional<sim::SimDatagram> poll_datagram(Instant now) override {
    if (!link) return std::nullopt;
    if (rest_.empty()) {
      link::SendArena arena{memory_};
      const auto run = link->poll_transmit(now, arena, kRunPacketsMax);
      if (!run) return std::nullopt;
      to_ = run->to;
      rest_ = run->bytes;
      segment_ = run->segment_bytes;
    }
    const std::size_t size = std::min<std::size_t>(rest_.size(), segment_);
    sim::SimDatagram datagram{to_,
                              {rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size)}};
    rest_ = rest_.subspan(size);
    return datagram;
  }

  std::unique_ptr<ClientLink> link;

 protected:
  virtual void joined() {}

  virtual void event(Instant, const link::Event&) {}

  /// Returns when it wants another turn.
  virtual Instant turn(Instant) { return kNever; }

 private:
  void after_input(Instant now) {
    if (link->state() == ClientLink::State::kJoined && !std::exchange(told_, true)) joined();
    while (const auto e = link->poll_event()) event(now, *e);
    if (link->link() != nullptr) wake_at_ = turn(now);
  }

  std::vector<std::byte> memory_ = std::vector<std::byte>(kRunPacketsMax * kDatagramBytesMax);
  Address to_;
  Bytes rest_;
  std::size_t segment_ = 0;
  bool told_ = false;
  Instant wake_at_ = kNever;
};

struct PusherNode : ClientNode {
  PusherNode(std::unique_ptr<MediaSource> from, Pusher::Config config)
      : source(std::move(from)), pusher(std::move(config)) {}

  void joined() override { pusher.attach(link->link()); }

  void event(Instant, const link::Event& e) override { pusher.handle_event(e); }

  Instant turn(Instant now) override {
    while (pusher.state() == Pusher::State::kPushing) {
      if (!pending) {
        const auto step = source->next();
        if (step->state != MediaSource::State::kFrame) {
          pusher.finish(now);
          break;
        }
        pending = step->frame;
        if (!began) began = now - std::chrono::milliseconds{pending->timestamp_ms};
      }
      const Instant due = *began + std::chrono::milliseconds{pending->timestamp_ms};
      if (due > now) return due;
      pusher.push(now, *pending);
      pending.reset();
    }
    pusher.handle_turn(now);
    return pusher.next_deadline();
  }

  std::unique_ptr<MediaSource> source;
  Pusher pusher;
  std::optional<SourceFrame> pending;
  std::optional<Instant> began;
};

struct SubscriberNode : ClientNode {
  explicit SubscriberNode(const Subscriber::Config& config)
      : subscriber(
            config,
            {net::Callback<const std::vector<wire::TrackDescription>&>::to<&SubscriberNode::tracks>(
                 this),
             net::Callback<const ReceivedFrame&>::to<&SubscriberNode::frame>(this)}) {}

  void joined() override { subscriber.attach(link->link()); }

  void event(Instant now, const link::Event& e) override { subscriber.handle_event(now, e); }

  Instant turn(Instant now) override {
    subscriber.handle_turn(now);
    return subscriber.next_deadline(now);
  }

  void tracks(const std::vector<wire::TrackDescription>& described) { sink.begin(described); }

  void frame(const ReceivedFrame& received) { EXPECT_TRUE(sink.write(received)); }

  Subscriber subscriber;
  FlvSink sink;
};

}  // namespace sluice::client
