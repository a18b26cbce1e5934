// `sluice push`: a source, a clock, a connection and a pusher on one loop.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <sys/types.h>

#include "client/cli/join.h"
#include "client/cli/joiner.h"
#include "client/cli/options.h"
#include "client/connection.h"
#include "client/gop_keeper.h"
#include "client/pace_clock.h"
#include "client/pusher.h"
#include "client/rendition_source.h"

namespace sluice::client {
namespace {

/// How often a push without pace looks whether the path takes more.
constexpr Duration kRoomPoll = std::chrono::milliseconds{2};

/// What a push without pace sends at most, until congestion control finds out what the path
/// carries: more overruns the socket buffers of a stock system.
constexpr std::uint64_t kNoPaceBitsPerSecond = 100'000'000;

/// Frames sent in one turn before the loop runs again: a late start must not starve the socket.
constexpr int kFramesPerTurn = 64;

class PushProgram {
 public:
  explicit PushProgram(const PushOptions& options)
      : options_(options),
        joiner_(loop_, options.join, crypto::kPushRights,
                net::Callback<const Error&>::to<&PushProgram::fail_with>(this)),
        poll_(loop_, net::Callback<unsigned>::to<&PushProgram::handle_readable>(this)),
        interrupt_(loop_, net::Callback<int>::to<&PushProgram::handle_signal>(this)),
        terminate_(loop_, net::Callback<int>::to<&PushProgram::handle_signal>(this)),
        status_line_(stderr_terminal()) {}

  Status<Error> run() {
    if (options_.file.empty() == options_.renditions.empty()) {
      return fail(ExitCode::kBadInput, "push wants one FILE, or --rendition NAME=FILE for each");
    }
    if (const auto asked = joiner_.open(); !asked) return asked;
    auto source = RenditionSource::open(options_.file, options_.renditions, options_.loop);
    if (!source) return Unexpected{source.error()};
    source_.emplace(std::move(*source));
    if (const auto ready = await_headers(); !ready || interrupted_) return ready;

    Status<Error> ran = Done{};
    do {
      ran = push_until_end();
      if (!ran) error_ = ran.error();
    } while (!interrupted_ && !source_ended_ && joiner_.comes_back(error_));
    joiner_.leave();
    if (!pusher_) return ran;
    return report_end(options_.join, status_line_, *connection_, pusher_->stats(), error_);
  }

 private:
  /// Joins and pushes until that ends, in order or with error_; may be called again after it.
  Status<Error> push_until_end() {
    connection_.emplace(loop_,
                        Connection::Handlers{
                            net::Callback<>::to<&PushProgram::handle_joined>(this),
                            net::Callback<const link::Event&>::to<&PushProgram::handle_event>(this),
                            net::Callback<>::to<&PushProgram::handle_turn>(this),
                            net::Callback<const Error&>::to<&PushProgram::fail_with>(this)});
    auto config = joiner_.prepare();
    if (!config) return Unexpected{config.error()};
    error_.reset();
    const std::optional<Stats> before = pusher_ ? std::optional{pusher_->stats()} : std::nullopt;
    pusher_.emplace(Pusher::Config{joiner_.url().stream, source_->tracks(), options_.stamp,
                                   !options_.no_pace, source_->data_is_metadata_only()});
    replayed_ = replay_end_ = 0;
    if (before) {
      pusher_->stats() = *before;
      // To the relay it is a new stream, even where the relay is the same (P-CTRL-05).
      replay_end_ = gop_.size();
      // A file waited for us; a pipe did not.
      if (!source_->first().is_pipe()) clock_ = {}, due_ = loop_.now();
    }
    config->first_commands = pusher_->first_commands();
    if (options_.no_pace) config->pacer_bits_per_s = kNoPaceBitsPerSecond;
    const Instant now = loop_.refresh_now();
    if (!before) started_at_ = now;
    if (const auto opened = connection_->open(std::move(*config)); !opened) return opened;
    loop_.run();
    return Done{};
  }

  /// A pipe: reads until its tracks are known, before anything is sent to anybody.
  Status<Error> await_headers() {
    if (auto watched = watch_end_signals(interrupt_, terminate_); !watched) return watched;
    if (!source_->first().is_pipe()) return Done{};
    if (const auto opened = poll_.open(source_->first().fd()); !opened) {
      return fail(ExitCode::kEnvironment, opened.error().message);
    }
    poll_.watch(net::Poll::kReadable);
    loop_.run();
    if (error_) return Unexpected{*error_};
    return Done{};
  }

  void handle_readable(unsigned events) {
    if (events == 0) return;
    poll_.watch(0);
    if (first_read_at_ == kNever) first_read_at_ = loop_.now();
    const bool awaited = !source_->first().headers_known();
    if (const auto read = source_->first().read_some(); !read) {
      if (!pusher_) return fail_with(read.error());
      end_source(read.error());
    } else if (!source_->first().headers_known()) {
      poll_.watch(net::Poll::kReadable);
    } else if (awaited) {
      return loop_.stop();
    }
    if (pusher_ && connection_) handle_turn(), connection_->flush();
  }

  void handle_joined() {
    joiner_.note_joined();
    pusher_->attach(connection_->link());
    pusher_->stats().join_us = to_us(*connection_->client_link()->join_time());
  }

  void handle_event(const link::Event& event) { pusher_->handle_event(event); }

  void handle_turn() {
    const Instant now = loop_.now();
    if (connection_->link() == nullptr) return;
    Instant next = kNever;
    if (pusher_->state() == Pusher::State::kPushing) next = pump(now);
    pusher_->handle_turn(now);
    joiner_.note_moves(connection_->moves());
    switch (pusher_->state()) {
      case Pusher::State::kRefused:
        if (!error_) connection_->link()->close(now, link::CloseCode::kDone, "");
        if (!error_) error_ = pusher_->error();
        break;  // until the link has said so to the relay
      case Pusher::State::kDone:
        if (!error_ && pusher_->error().code != ExitCode::kOk) error_ = pusher_->error();
        loop_.stop();
        return;
      case Pusher::State::kAnnounced:
      case Pusher::State::kPushing:
      case Pusher::State::kFinishing:
        break;
    }
    next = std::min({next, pusher_->next_deadline(), show_status(now), stop_at_});
    connection_->wake_at(next);
  }

  /// Pushes what is due; returns when more will be.
  Instant pump(Instant now) {
    if (now >= stop_at_) finish(now);
    for (; replayed_ < replay_end_ && !source_ended_; ++replayed_) {
      if (!pusher_->has_room()) return now + kRoomPoll;
      pusher_->push(now, gop_.at(replayed_));
    }
    replayed_ = replay_end_ = 0;
    for (int sent = 0; sent < kFramesPerTurn && !source_ended_; ++sent) {
      if (!pending_ && !take_next(now)) return kNever;
      if (due_ > now) return due_;
      if (options_.no_pace && !pusher_->has_room()) return now + kRoomPoll;
      if (stop_at_ == kNever && options_.join.seconds) {
        stop_at_ = now + seconds_of(*options_.join.seconds);
      }
      pusher_->push(now, *pending_);
      if (joiner_.may_come_back()) gop_.add(*pending_);
      if (auto& first = pusher_->stats().first_frame_us; !first) first = to_us(now - started_at_);
      pending_.reset();
    }
    return source_ended_ ? kNever : now;
  }

  /// The next frame of the source into pending_; false when there is none now.
  bool take_next(Instant now) {
    const auto step = source_->next();
    if (!step) return end_source(step.error()), false;
    switch (step->state) {
      case MediaSource::State::kFrame:
        break;
      case MediaSource::State::kNeedsRead:
        poll_.watch(net::Poll::kReadable);
        return false;
      case MediaSource::State::kEnded:
        finish(now);
        return false;
    }
    pending_ = step->frame;
    due_ = now;
    if (options_.no_pace) return true;
    // A pipe's clock began with its first byte: joining delays nothing behind it.
    const Instant begin = std::min(now, first_read_at_);
    if (!clock_.anchored()) clock_.anchor(begin, pending_->timestamp_ms);
    due_ = clock_.due(pending_->timestamp_ms);
    return true;
  }

  void finish(Instant now) {
    source_ended_ = true;
    pusher_->finish(now);
  }

  /// What came before the fault is sent to its end.
  void end_source(const Error& error) {
    error_ = error;
    finish(loop_.now());
  }

  void handle_signal(int) {
    joiner_.interrupt();
    if (!pusher_ || !connection_ || connection_->link() == nullptr || interrupted_) {
      interrupted_ = true;
      return loop_.stop();
    }
    interrupted_ = true;
    finish(loop_.now());
    handle_turn();
    connection_->flush();
  }

  void fail_with(const Error& error) {
    error_ = error;
    loop_.stop();
  }

  Instant show_status(Instant now) {
    const Stats& stats = pusher_->stats();
    const auto link = connection_->link()->stats();
    print_on_stderr(status_line_.draw(now, {.verb = "push",
                                            .bytes_wire = stats.bytes_wire,
                                            .frames = stats.frames,
                                            .packets = stats.packets,
                                            .lost = stats.lost,
                                            .rtt = link.srtt,
                                            .answers = link.packets_received}));
    return status_line_.next_due();
  }

  const PushOptions& options_;
  net::Loop loop_;
  Joiner joiner_;
  std::optional<Connection> connection_;
  net::Poll poll_;
  net::Signal interrupt_, terminate_;
  StatusLine status_line_;
  std::optional<RenditionSource> source_;
  std::optional<Pusher> pusher_;
  GopKeeper gop_;
  std::size_t replayed_ = 0, replay_end_ = 0;  // of gop_: what goes first after a loss
  PaceClock clock_;
  std::optional<SourceFrame> pending_;
  Instant due_ = kNever;
  Instant stop_at_ = kNever;
  Instant first_read_at_ = kNever;
  Instant started_at_{};
  bool source_ended_ = false;
  bool interrupted_ = false;
  std::optional<Error> error_;
};

}  // namespace

ExitCode run_push(const PushOptions& options) {
  PushProgram program{options};
  const auto ran = program.run();
  return ran ? ExitCode::kOk : end_with(ran.error());
}

}  // namespace sluice::client
