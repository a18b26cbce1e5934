// `sluice pull`: a connection, a subscriber and an FLV on one loop.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/join.h"
#include "client/cli/joiner.h"
#include "client/cli/options.h"
#include "client/cli/output.h"
#include "client/connection.h"
#include "client/flv_sink.h"
#include "client/subscriber.h"

namespace sluice::client {
namespace {

/// A pull with --seconds waits this much longer for its stream to begin.
constexpr Duration kStreamPatience = std::chrono::seconds{10};

/// How often a queue in front of a slow reader is looked at after the stream's end.
constexpr Duration kDrainPoll = std::chrono::milliseconds{20};

class PullProgram {
 public:
  explicit PullProgram(const PullOptions& options)
      : options_(options),
        joiner_(loop_, options.join, crypto::Rights{}.with(crypto::Right::kSubscribe),
                net::Callback<const Error&>::to<&PullProgram::fail_with>(this)),
        interrupt_(loop_, net::Callback<int>::to<&PullProgram::handle_signal>(this)),
        terminate_(loop_, net::Callback<int>::to<&PullProgram::handle_signal>(this)),
        status_line_(stderr_terminal()) {}

  Status<Error> run() {
    if (options_.output == "-" && options_.join.stats == "-") {
      return fail(ExitCode::kBadInput,
                  "-o - and --stats - both want stdout; give one of them a file");
    }
    if (const auto delays = check_delays(); !delays) return delays;
    if (const auto asked = joiner_.open(); !asked) return asked;
    const StreamUrl& url = joiner_.url();
    stream_ =
        "stream " + std::string{url.stream.view()} + " in room " + std::string{url.room.view()};
    waiting_ = "waiting for " + stream_;
    if (options_.output == "-" && ::isatty(STDOUT_FILENO) == 1) {
      return fail(ExitCode::kBadInput, "FLV is nothing for a terminal; give -o FILE or a pipe");
    }
    auto output = Output::open(loop_, options_.output);
    if (!output) return Unexpected{output.error()};
    output_ = std::move(*output);
    if (auto watched = watch_end_signals(interrupt_, terminate_); !watched) return watched;
    Status<Error> ran = Done{};
    do {
      ran = pull_until_end();
      if (!ran) error_ = ran.error();
    } while (!interrupted_ && joiner_.comes_back(error_));
    joiner_.leave();
    if (!subscriber_) return ran;
    const auto reported =
        report_end(options_.join, status_line_, *connection_, subscriber_->stats(), error_);
    if (reported && !ended_.empty()) print_on_stderr("sluice: " + ended_ + "\n");
    return reported;
  }

 private:
  /// Joins and pulls until that ends, in order or with error_; may be called again after it.
  Status<Error> pull_until_end() {
    connection_.emplace(loop_,
                        Connection::Handlers{
                            net::Callback<>::to<&PullProgram::handle_joined>(this),
                            net::Callback<const link::Event&>::to<&PullProgram::handle_event>(this),
                            net::Callback<>::to<&PullProgram::handle_turn>(this),
                            net::Callback<const Error&>::to<&PullProgram::fail_with>(this)});
    auto config = joiner_.prepare();
    if (!config) return Unexpected{config.error()};
    error_.reset();
    leaving_ = link_closed_ = false;
    const std::optional<Stats> before =
        subscriber_ ? std::optional{subscriber_->stats()} : std::nullopt;
    subscriber_.emplace(
        Subscriber::Config{joiner_.url().stream, buffer_config(), loop_.refresh_now(),
                           static_cast<std::uint8_t>(options_.priority),
                           options_.video_kbit_max * 1000},
        Subscriber::Handlers{
            net::Callback<const std::vector<wire::TrackDescription>&>::to<
                &PullProgram::handle_tracks>(this),
            net::Callback<const ReceivedFrame&>::to<&PullProgram::handle_frame>(this)});
    if (before) {
      subscriber_->stats() = *before;
      sink_.resume();
    }
    config->first_commands = subscriber_->first_commands();
    if (const auto opened = connection_->open(std::move(*config)); !opened) return opened;
    loop_.run();
    return Done{};
  }

  Status<Error> check_delays() const {
    const auto min = options_.delay_min_ms;
    const auto max = options_.delay_max_ms;
    if (!min && !max) return Done{};
    if (!options_.live || options_.delay_ms) {
      return fail(ExitCode::kBadInput,
                  "--delay-min and --delay-max bound the delay that --live chooses; give --live, "
                  "and no --delay");
    }
    if (min && max && *min > *max) {
      return fail(ExitCode::kBadInput, "--delay-min is larger than --delay-max");
    }
    return Done{};
  }

  JitterBuffer::Config buffer_config() const {
    const auto ms = [](std::uint32_t value) { return Duration{std::chrono::milliseconds{value}}; };
    JitterBuffer::Config config;
    if (options_.live) config.mode = PlayMode::kPlayOut;
    if (options_.delay_ms) config.delay = ms(*options_.delay_ms);
    if (options_.live && !options_.delay_ms) {
      PlayOutDelay::Bounds bounds;
      if (options_.delay_max_ms) bounds.max = ms(*options_.delay_max_ms);
      bounds.min =
          options_.delay_min_ms ? ms(*options_.delay_min_ms) : std::min(bounds.min, bounds.max);
      bounds.max = std::max(bounds.min, bounds.max);
      config.adaptive = bounds;
    }
    return config;
  }

  void handle_joined() {
    joiner_.note_joined();
    subscriber_->attach(connection_->link());
    subscriber_->stats().join_us = to_us(*connection_->client_link()->join_time());
    joined_at_ = loop_.now();
    if (options_.join.seconds && !any_frame_) {
      stop_at_ = joined_at_ + seconds_of(*options_.join.seconds) + kStreamPatience;
    }
  }

  void handle_event(const link::Event& event) {
    if (std::holds_alternative<link::Closed>(event)) link_closed_ = true;
    subscriber_->handle_event(loop_.now(), event);
  }

  void handle_tracks(const std::vector<wire::TrackDescription>& tracks) { sink_.begin(tracks); }

  void handle_frame(const ReceivedFrame& frame) {
    if (!any_frame_ && options_.join.seconds) {
      stop_at_ = loop_.now() + seconds_of(*options_.join.seconds);
    }
    any_frame_ = true;
    if (!sink_.write(frame)) {
      --subscriber_->stats().frames;
      ++subscriber_->stats().skipped_frames;
    }
    output_->write(sink_.pending());
    sink_.take_all();
  }

  void handle_turn() {
    const Instant now = loop_.now();
    if (connection_->link() == nullptr) return;
    if (!leaving_) subscriber_->handle_turn(now);
    joiner_.note_moves(connection_->moves());
    if (now >= stop_at_ && !leaving_) stop(now);
    if (output_->state() != Output::State::kOpen && !leaving_) handle_output_end(now);
    using State = Subscriber::State;
    const State state = subscriber_->state();
    if ((state == State::kDone || state == State::kRefused) && !leaving_) {
      if (subscriber_->error().code != ExitCode::kOk) error_ = subscriber_->error();
      if (state == State::kDone && !error_) note_end();
      leave(now);
    }
    if (leaving_ && link_closed_ && output_->drained()) return loop_.stop();
    Instant next = std::min({subscriber_->next_deadline(now), show_status(now), stop_at_});
    if (leaving_) next = now + kDrainPoll;
    connection_->wake_at(next);
  }

  /// The stream is over. That is no failure, unless nothing of it came.
  void note_end() {
    const std::string why{subscriber_->end_reason()};
    if (why.empty()) return;
    ended_ = stream_ + " ended: " + why;
    if (!any_frame_) error_ = Error{ExitCode::kCheckFailed, "nothing came: " + ended_};
  }

  void handle_output_end(Instant now) {
    if (output_->state() == Output::State::kFailed) error_ = output_->error();
    leave(now);
  }

  /// --seconds are over.
  void stop(Instant now) {
    if (!any_frame_) {
      error_ = Error{
          ExitCode::kCheckFailed,
          "nothing came: no " + stream_ + " within " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(stop_at_ - joined_at_).count()) +
              " s; is it being pushed?"};
    }
    leave(now);
  }

  void leave(Instant now) {
    leaving_ = true;
    stop_at_ = kNever;
    if (!link_closed_) connection_->link()->close(now, link::CloseCode::kDone, "");
  }

  void handle_signal(int) {
    interrupted_ = true;
    joiner_.interrupt();
    if (!any_frame_ && !error_) {
      error_ =
          Error{ExitCode::kCheckFailed, "nothing came: interrupted while waiting for " + stream_};
    }
    if (!connection_ || connection_->link() == nullptr || leaving_) return loop_.stop();
    leave(loop_.now());
    handle_turn();
    connection_->flush();
  }

  void fail_with(const Error& error) {
    error_ = error;
    loop_.stop();
  }

  Instant show_status(Instant now) {
    const Stats& stats = subscriber_->stats();
    print_on_stderr(status_line_.draw(now, {.verb = any_frame_ ? "pull" : waiting_,
                                            .bytes_wire = stats.bytes_wire,
                                            .frames = stats.frames,
                                            .packets = stats.packets,
                                            .lost = stats.lost,
                                            .rtt = connection_->link()->stats().srtt,
                                            .delay = subscriber_->play_out_delay(),
                                            .note = subscriber_->pause()}));
    return status_line_.next_due();
  }

  const PullOptions& options_;
  net::Loop loop_;
  Joiner joiner_;
  std::optional<Connection> connection_;
  net::Signal interrupt_, terminate_;
  StatusLine status_line_;
  std::unique_ptr<Output> output_;
  std::optional<Subscriber> subscriber_;
  FlvSink sink_;
  std::string stream_, waiting_;
  std::string ended_;  // what is said of a stream that went down
  Instant joined_at_{};
  Instant stop_at_ = kNever;
  bool any_frame_ = false;
  bool leaving_ = false;
  bool interrupted_ = false;
  bool link_closed_ = false;
  std::optional<Error> error_;
};

}  // namespace

ExitCode run_pull(const PullOptions& options) {
  PullProgram program{options};
  const auto ran = program.run();
  return ran ? ExitCode::kOk : end_with(ran.error());
}

}  // namespace sluice::client
