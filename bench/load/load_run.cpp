#include "bench/load/load_run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/load/load_member.h"
#include "client/control_client.h"
#include "client/credentials.h"
#include "proto/crypto/secret.h"

namespace sluice::bench {
namespace {

using client::Error;
using client::ExitCode;

/// After the last frame: the patience of a complete subscriber, and its way out.
constexpr Duration kDrainMax = std::chrono::seconds{4};

constexpr Duration kTick = std::chrono::milliseconds{20};

const char* environment(const char* name) { return std::getenv(name); }

double seconds(Duration time) { return static_cast<double>(to_us(time)) / 1e6; }

/// CPU time of a process in seconds; nothing when there is no such process.
std::optional<double> cpu_seconds_of(std::int32_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state to cmajflt
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  return cpu_seconds_of(static_cast<std::int32_t>(::getpid())).value_or(0);
}

class LoadRun {
 public:
  explicit LoadRun(const LoadOptions& options)
      : options_(options), tick_(loop_, net::Callback<>::to<&LoadRun::handle_tick>(this)) {}

  Result<LoadReport, Error> run() {
    if (const auto connected = connect_control(); !connected) return Unexpected{connected.error()};
    if (const auto opened = open_subscribers(); !opened) return Unexpected{opened.error()};
    if (!run_until(client::kJoinDeadline, [this] { return all_joined(); })) return failure();
    if (const auto opened = open_pushers(); !opened) return Unexpected{opened.error()};
    if (!run_until(client::kJoinDeadline, [this] { return all_pushing(); })) return failure();
    push();
    for (const auto& pusher : pushers_) pusher->finish();
    run_until(kDrainMax, [this] { return all_done(); });
    auto report = make_report();
    for (const auto& subscriber : subscribers_) subscriber->close();
    run_until(std::chrono::milliseconds{100}, [] { return false; });  // three CLOSE packets each
    if (const auto error = first_error()) return Unexpected{*error};
    return report;
  }

 private:
  Status<Error> connect_control() {
    std::string path = options_.control;
    if (path.empty()) {
      const auto found = client::control_path_of_dev_file(client::dev_file_path(environment));
      if (!found) return Unexpected{found.error()};
      path = *found;
    }
    control_path_ = path;
    return Done{};
  }

  Result<client::ClientLink::Config, Error> config_for(const RoomName& room,
                                                       const std::string& user,
                                                       crypto::Rights rights) {
    const auto issued =
        client::ask_for_ticket(loop_, control_path_, {room, *UserName::parse(user), rights, 60});
    if (!issued) return Unexpected{issued.error()};
    auto credentials = client::credentials_of(*issued);
    if (!credentials) return Unexpected{credentials.error()};
    const auto relay = client::relay_address(
        *credentials, "", 0, options_.address.empty() ? issued->address : options_.address);
    if (!relay) return Unexpected{relay.error()};
    client::ClientLink::Config config;
    config.credentials = std::move(credentials->secrets);
    config.relay = *relay;
    config.random = crypto::system_random();
    return config;
  }

  static RoomName room_name(std::uint32_t room) {
    return *RoomName::parse("load-" + std::to_string(::getpid()) + "-" + std::to_string(room));
  }

  static StreamName stream_name(std::uint32_t pusher) {
    return *StreamName::parse("stream-" + std::to_string(pusher));
  }

  Status<Error> open_subscribers() {
    const auto rights = crypto::Rights{}.with(crypto::Right::kSubscribe);
    for (std::uint32_t room = 0; room < options_.rooms; ++room) {
      for (std::uint32_t i = 0; i < options_.pushers * options_.subscribers; ++i) {
        auto config = config_for(room_name(room), "subscriber-" + std::to_string(i), rights);
        if (!config) return Unexpected{config.error()};
        subscribers_.push_back(
            std::make_unique<LoadSubscriber>(loop_, stream_name(i / options_.subscribers)));
        if (auto opened = subscribers_.back()->open(std::move(*config)); !opened) return opened;
        loop_.run_ready();
      }
    }
    return Done{};
  }

  Status<Error> open_pushers() {
    for (std::uint32_t room = 0; room < options_.rooms; ++room) {
      for (std::uint32_t i = 0; i < options_.pushers; ++i) {
        auto config =
            config_for(room_name(room), "pusher-" + std::to_string(i), crypto::kPushRights);
        if (!config) return Unexpected{config.error()};
        pushers_.push_back(std::make_unique<LoadPusher>(loop_, stream_name(i), options_.bits_per_s,
                                                        pushers_.size() + 1));
        if (auto opened = pushers_.back()->open(std::move(*config)); !opened) return opened;
        loop_.run_ready();
      }
    }
    return Done{};
  }

  std::optional<double> relay_cpu_seconds() const {
    return options_.relay_pid ? cpu_seconds_of(*options_.relay_pid) : std::nullopt;
  }

  void push() {
    const Instant begin = loop_.refresh_now();
    const double own_before = own_cpu_seconds();
    const auto relay_before = relay_cpu_seconds();
    const auto length =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>{options_.duration_s});
    run_until(length, [this] { return first_error().has_value(); });
    pushed_for_ = seconds(loop_.refresh_now() - begin);
    own_cpu_ = own_cpu_seconds() - own_before;
    const auto relay_after = relay_cpu_seconds();
    if (relay_before && relay_after) relay_cpu_ = *relay_after - *relay_before;
  }

  /// Runs the loop until `done` holds or the time is up; says whether it held.
  template <class Done>
  bool run_until(Duration limit, Done done) {
    const Instant end = loop_.refresh_now() + limit;
    tick_.arm_in(kTick);
    while (!done()) {
      if (loop_.now() >= end) return false;
      loop_.run_once();
    }
    return true;
  }

  void handle_tick() { tick_.arm_in(kTick); }

  bool all_joined() const {
    return std::all_of(subscribers_.begin(), subscribers_.end(),
                       [](const auto& member) { return member->joined(); });
  }

  bool all_pushing() const {
    return std::all_of(pushers_.begin(), pushers_.end(),
                       [](const auto& member) { return member->pushing() || member->done(); });
  }

  bool all_done() const {
    const auto done = [](const auto& member) { return member->done(); };
    return std::all_of(pushers_.begin(), pushers_.end(), done) &&
           std::all_of(subscribers_.begin(), subscribers_.end(), done);
  }

  std::optional<Error> first_error() const {
    for (const auto& member : pushers_) {
      if (member->error()) return member->error();
    }
    for (const auto& member : subscribers_) {
      if (member->error()) return member->error();
    }
    return std::nullopt;
  }

  Unexpected<Error> failure() const {
    const auto error = first_error();
    return Unexpected{error ? *error : Error{ExitCode::kUnreachable, "not all members could join"}};
  }

  LoadReport make_report() const {
    LoadReport report;
    report.options = options_;
    report.streams = pushers_.size();
    report.subscriptions = subscribers_.size();
    for (const auto& pusher : pushers_) {
      report.frames_pushed += pusher->stats().frames;
      report.packets_sent += pusher->stats().packets;
    }
    report.frames_expected = report.frames_pushed * options_.subscribers;
    for (const auto& subscriber : subscribers_) {
      const client::Stats& stats = subscriber->stats();
      report.frames_received += stats.frames;
      report.frames_skipped += stats.skipped_frames;
      report.bytes_received += stats.bytes_wire;
      report.packets_received += stats.packets;
      report.packets_missing += stats.lost;
      report.parts_recovered += stats.recovered_by_retransmission;
      report.latency_us.merge(stats.latency_us);
      if (stats.join_us) report.join_us.add(*stats.join_us);
    }
    report.seconds = pushed_for_;
    if (pushed_for_ > 0) report.own_cpu_percent = 100 * own_cpu_ / pushed_for_;
    if (pushed_for_ > 0 && relay_cpu_) report.relay_cpu_percent = 100 * *relay_cpu_ / pushed_for_;
    return report;
  }

  const LoadOptions& options_;
  net::Loop loop_;
  net::Timer tick_;
  std::string control_path_;
  std::vector<std::unique_ptr<LoadSubscriber>> subscribers_;
  std::vector<std::unique_ptr<LoadPusher>> pushers_;
  double pushed_for_ = 0, own_cpu_ = 0;
  std::optional<double> relay_cpu_;
};

}  // namespace

Result<LoadReport, Error> run_load(const LoadOptions& options) {
  crypto::init_crypto();
  return LoadRun{options}.run();
}

std::string load_json(const LoadReport& report) {
  const auto or_null = [](const auto& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json;
  json["rooms"] = report.options.rooms;
  json["streams"] = report.streams;
  json["subscriptions"] = report.subscriptions;
  json["bits_per_s"] = report.options.bits_per_s;
  json["seconds"] = report.seconds;
  json["frames_pushed"] = report.frames_pushed;
  json["frames_expected"] = report.frames_expected;
  json["frames_received"] = report.frames_received;
  json["frames_skipped"] = report.frames_skipped;
  json["bytes_received"] = report.bytes_received;
  json["packets_sent"] = report.packets_sent;
  json["packets_received"] = report.packets_received;
  json["packets_missing"] = report.packets_missing;
  json["parts_recovered"] = report.parts_recovered;
  json["join_us_p50"] = or_null(report.join_us.percentile(0.50));
  json["latency_us_p50"] = or_null(report.latency_us.percentile(0.50));
  json["latency_us_p99"] = or_null(report.latency_us.percentile(0.99));
  json["own_cpu_percent"] = report.own_cpu_percent;
  json["relay_cpu_percent"] = or_null(report.relay_cpu_percent);
  return json.dump(2) + "\n";
}

}  // namespace sluice::bench
