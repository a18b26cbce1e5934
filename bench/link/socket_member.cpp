#include "bench/link/socket_member.h"

#include <algorithm>
#include <utility>

namespace sluice::bench {
namespace {

using net::Callback;

/// Often enough to see a stall of kStall.
constexpr Duration kTick = std::chrono::milliseconds{4};

/// Three CLOSE packets, after everything is over.
constexpr Duration kLeaving = std::chrono::milliseconds{100};

}  // namespace

SocketMember::SocketMember(client::ClientLink::Config config, const CellTimes& times)
    : config_(std::move(config)),
      times_(times),
      connection_(loop_, {Callback<>::to<&SocketMember::handle_joined>(this),
                          Callback<const link::Event&>::to<&SocketMember::handle_event>(this),
                          Callback<>::to<&SocketMember::handle_turn>(this),
                          Callback<const client::Error&>::to<&SocketMember::handle_failed>(this)}),
      tick_(loop_, Callback<>::to<&SocketMember::handle_tick>(this)) {}

void SocketMember::run() {
  if (const auto opened = tick_.open(); !opened) {
    notes_.error = client::Error{client::ExitCode::kEnvironment, opened.error().message};
    return;
  }
  if (const auto opened = connection_.open(std::move(config_)); !opened) {
    notes_.error = opened.error();
    return;
  }
  tick_due_ = loop_.refresh_now() + kTick;
  tick_.arm(tick_due_);
  while (!notes_.error && loop_.now() < times_.over) loop_.run_once();
  if (connection_.link() == nullptr || connection_.link()->closed()) return;
  connection_.link()->close(loop_.now(), link::CloseCode::kDone, "");
  connection_.flush();
  while (loop_.now() < times_.over + kLeaving) loop_.run_once();
}

void SocketMember::handle_turn() {
  if (connection_.link() == nullptr) return;
  const Instant now = loop_.now();
  note_stats(now);
  connection_.wake_at(turn(now));
}

void SocketMember::handle_failed(const client::Error& error) { notes_.error = error; }

void SocketMember::handle_tick() {
  const Instant now = loop_.now();
  if (now - tick_due_ > kStall) notes_.stalls.emplace_back(tick_due_, now);
  if (now >= times_.began && !std::exchange(looked_, true) && !ready() && !notes_.error) {
    notes_.error = client::Error{client::ExitCode::kUnreachable,
                                 "a member had not joined when the media began"};
  }
  if (connection_.link() != nullptr) note_stats(now);
  tick_due_ = now + kTick;
  tick_.arm(tick_due_);
}

void SocketMember::note_stats(Instant now) {
  if (!before_taken_ && now >= times_.counted_from) {
    before_taken_ = true;
    notes_.before = connection_.link()->stats();
  }
  if (!after_taken_ && now >= times_.counted_until) {
    after_taken_ = true;
    notes_.after = connection_.link()->stats();
  }
  const auto seconds = static_cast<std::int64_t>(notes_.estimate_bps.size()) + 1;
  if (now >= times_.began + std::chrono::seconds{seconds} && now < times_.counted_until) {
    const link::LinkStats stats = connection_.link()->stats();
    notes_.estimate_bps.push_back(stats.estimate_bps);
    notes_.target_bps.push_back(stats.target_bps);
  }
}

SocketPusher::SocketPusher(const CellOptions& options, client::ClientLink::Config config,
                           const CellTimes& times)
    : SocketMember(
          [&] {
            auto quiet = [](Instant, const FeedFrame&) {};
            const FeedPusher commands{options, times.began,
                                      Callback<Instant, const FeedFrame&>::ref(quiet)};
            config.first_commands = commands.first_commands();
            return std::move(config);
          }(),
          times),
      side_(options, times.began,
            Callback<Instant, const FeedFrame&>::to<&SocketPusher::handle_sent>(this)) {}

Instant SocketPusher::turn(Instant now) {
  now_ = now;
  return side_.turn(now);
}

SocketSubscriber::SocketSubscriber(const CellOptions& options, client::ClientLink::Config config,
                                   const CellTimes& times)
    : SocketMember(
          [&] {
            config.first_commands = WatchedSubscriber{options, {}}.first_commands();
            return std::move(config);
          }(),
          times),
      side_(
          options,
          {Callback<Instant, TrackKind,
                    const wire::MediaHeader&>::to<&SocketSubscriber::handle_part>(this),
           Callback<Instant, TrackKind, std::uint32_t>::to<&SocketSubscriber::handle_played>(this),
           Callback<Instant, Duration>::to<&SocketSubscriber::handle_play_out>(this)}) {}

void SocketSubscriber::handle_part(Instant now, TrackKind kind, const wire::MediaHeader& part) {
  happened_.push_back({now, kind, part, std::nullopt, std::nullopt});
}

void SocketSubscriber::handle_played(Instant now, TrackKind kind, std::uint32_t timestamp_ms) {
  happened_.push_back({now, kind, std::nullopt, timestamp_ms, std::nullopt});
}

void SocketSubscriber::handle_play_out(Instant now, Duration delay) {
  if (std::exchange(told_play_out_, delay) == delay) return;
  happened_.push_back({now, TrackKind::kVideo, std::nullopt, std::nullopt, delay});
}

}  // namespace sluice::bench
