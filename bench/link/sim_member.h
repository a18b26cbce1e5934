// The members of a simulated cell: the sides of cell_sides.h as nodes of the simulated network, the
// subscriber's with its ledgers. Used by sim_cell.cpp alone.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bench/link/cell_ledger.h"
#include "bench/link/cell_sides.h"
#include "client/client_link.h"
#include "sim/net.h"

namespace sluice::bench {

/// A ClientLink as a node, and its owner's turn.
class SimMember : public sim::SimNode {
 public:
  void open(client::ClientLink::Config config, Instant now);

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override;
  void handle_timeout(Instant now) override;
  Instant next_deadline() const override;
  std::optional<sim::SimDatagram> poll_datagram(Instant now) override;

  /// The link, once joined.
  const link::Link* link() const { return link_ ? link_->link() : nullptr; }

 protected:
  virtual void joined(link::Link* link) = 0;
  virtual void event(Instant now, const link::Event& event) = 0;

  /// Returns when it wants another turn.
  virtual Instant turn(Instant now) = 0;

 private:
  void after_input(Instant now);

  std::unique_ptr<client::ClientLink> link_;
  Address relay_;
  std::vector<std::byte> inbox_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(kRunPacketsMax * kDatagramBytesMax);
  Bytes rest_;
  std::size_t segment_ = 0;
  bool told_ = false;
  Instant wake_at_ = kNever;
};

class SimPusher : public SimMember {
 public:
  SimPusher(const CellOptions& options, Instant began,
            net::Callback<Instant, const FeedFrame&> on_sent)
      : side_(options, began, on_sent) {}

  FeedPusher& side() { return side_; }

 private:
  void joined(link::Link* link) override { side_.attach(link); }

  void event(Instant, const link::Event& event) override { side_.handle_event(event); }

  Instant turn(Instant now) override { return side_.turn(now); }

  FeedPusher side_;
};

class SimSubscriber : public SimMember {
 public:
  SimSubscriber(const CellOptions& options, Instant counted_from);

  WatchedSubscriber& side() { return side_; }

  CellLedgers& ledgers() { return ledgers_; }

 private:
  void joined(link::Link* link) override { side_.attach(link); }

  void event(Instant now, const link::Event& event) override { side_.handle_event(now, event); }

  Instant turn(Instant now) override { return side_.turn(now); }

  void handle_part(Instant now, TrackKind kind, const wire::MediaHeader& part) {
    ledgers_.of(kind).on_part(now, part);
  }

  void handle_played(Instant, TrackKind kind, std::uint32_t timestamp_ms) {
    ledgers_.of(kind).on_played(timestamp_ms);
  }

  void handle_play_out(Instant, Duration delay) { ledgers_.set_budget(delay); }

  CellLedgers ledgers_;
  WatchedSubscriber side_;
};

}  // namespace sluice::bench
