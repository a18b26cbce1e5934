#include "bench/rooms/rooms_run.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bench/process/process_cost.h"
#include "bench/rooms/caller.h"
#include "bench/rooms/crowd.h"
#include "bench/rooms/rooms_process.h"

namespace sluice::bench {
namespace {

/// Connections for calls; what clients of a proxy in front of a service share.
constexpr std::size_t kCallers = 64;
/// Members beat so often while the others come in; after 20 s without they are out.
constexpr Duration kBeatEvery = std::chrono::seconds{8};
constexpr Duration kHeartbeatTimeout = std::chrono::seconds{20};
constexpr Duration kFillWithin = std::chrono::minutes{5};
constexpr Duration kSecond = std::chrono::seconds{1};
/// What has not been answered so long after the schedule's end has failed.
constexpr Duration kDrain = std::chrono::seconds{5};
constexpr Duration kTick = std::chrono::milliseconds{1};
constexpr Duration kNoticePause = std::chrono::milliseconds{20};

constexpr int kServing = 0, kAsking = 1;  // processors

/// Ten calls of the mix, heartbeats apart from each other.
constexpr std::array<RoomsCall, 10> kMix{
    RoomsCall::kHeartbeat, RoomsCall::kPushers,   RoomsCall::kHeartbeat, RoomsCall::kRoomList,
    RoomsCall::kHeartbeat, RoomsCall::kHeartbeat, RoomsCall::kPushers,   RoomsCall::kHeartbeat,
    RoomsCall::kMessage,   RoomsCall::kHeartbeat};
constexpr double kHeartbeatShare = 0.6;

double seconds(Duration time) { return static_cast<double>(to_us(time)) / 1e6; }

class RoomsRun {
 public:
  RoomsRun(const RoomsOptions& options, const RoomsProcess& service)
      : options_(options), service_(service), tick_(loop_, net::Callback<>::ref(ticked_)) {
    report_.options = options;
    for (std::size_t i = 0; i < kCallers; ++i) add_caller(callers_);
    for (std::uint32_t i = 0; i < options.rooms; ++i) {
      crowd_.add_room(options.members, false, i * options.members < options.parked);
    }
  }

  Result<RoomsReport, Failure> run() {
    report_.bytes_at_start = resident();
    if (auto filled = fill(); !filled) return Unexpected{filled.error()};
    report_.bytes_of_members = resident() - report_.bytes_at_start;
    park();
    offer();
    if (auto told = tell_notices(); !told) return Unexpected{told.error()};
    report_.load = load_average();
    return std::move(report_);
  }

 private:
  double resident() const { return resident_bytes_of(service_.pid()).value_or(0); }

  void add_caller(std::vector<std::unique_ptr<Caller>>& callers) {
    callers.push_back(std::make_unique<Caller>(loop_, service_.address()));
  }

  /// Runs the loop until `done` holds or the time is up; says whether it held.
  template <class Done>
  bool run_until(Duration limit, Done done) {
    const Instant end = loop_.refresh_now() + limit;
    while (!done()) {
      if (loop_.now() >= end) return false;
      tick_.arm_in(kTick);
      loop_.run_once();
    }
    return true;
  }

  // --- filling

  Status<Failure> fill() {
    const Instant began = loop_.refresh_now();
    for (std::size_t room = 0; room < crowd_.rooms().size(); ++room) to_fill_.push_back(room);
    const bool filled = fill_rooms();
    report_.filled_s = seconds(loop_.refresh_now() - began);
    if (!refusal_.empty()) return Unexpected{Failure{"a member was refused: " + refusal_}};
    if (!filled) return Unexpected{Failure{"the rooms were not full within 5 minutes"}};
    return Done{};
  }

  bool fill_rooms() {
    scripts_.resize(callers_.size());
    for (std::size_t i = 0; i < callers_.size(); ++i) fill_on(i);
    return run_until(kFillWithin, [this] {
      const auto idle = [](const auto& caller) { return !caller->busy(); };
      return !refusal_.empty() || std::all_of(callers_.begin(), callers_.end(), idle);
    });
  }

  /// A heartbeat that is due, or the next question of the room that this caller fills.
  void fill_on(std::size_t caller) {
    if (!refusal_.empty()) return;
    if (!beats_.empty() && loop_.refresh_now() - beats_.front().second > kBeatEvery) {
      const std::size_t member = beats_.front().first;
      beats_.pop_front();
      beats_.push_back({member, loop_.now()});
      return ask_filling(caller, crowd_.heartbeat(member), false);
    }
    auto& script = scripts_[caller];
    auto question = script ? script->next() : std::nullopt;
    while (!question && !to_fill_.empty()) {
      if (script) note_filled(caller);
      filling_[caller] = to_fill_.front();
      script.emplace(crowd_, to_fill_.front());
      to_fill_.pop_front();
      question = script->next();
    }
    if (question) return ask_filling(caller, *question, true);
    if (script) note_filled(caller);
  }

  void note_filled(std::size_t caller) {
    for (const std::size_t member : crowd_.rooms()[filling_[caller]].members) {
      beats_.push_back({member, loop_.now()});
    }
    creator_url_ = scripts_[caller]->push_url();
    scripts_[caller].reset();
  }

  void ask_filling(std::size_t caller, const client::HttpQuestion& question, bool of_script) {
    ++report_.filling_calls;
    callers_[caller]->call(question, [this, caller, of_script](const client::HttpAnswer* answer) {
      const bool good =
          answer != nullptr && (of_script ? scripts_[caller]->take(*answer) : taken(*answer));
      if (good) return fill_on(caller);
      refusal_ = answer != nullptr ? answer->body : "the connection was lost";
    });
  }

  // --- polls

  void park() {
    const double before = resident();
    for (std::size_t member = 0; member < options_.parked; ++member) {
      if (member >= crowd_.members().size() || crowd_.members()[member].poll_key.empty()) break;
      add_caller(pollers_);
      poll_on(pollers_.size() - 1, member);
    }
    run_until(kSecond, [] { return false; });
    report_.bytes_of_parked = resident() - before;
  }

  void poll_on(std::size_t poller, std::size_t member) {
    pollers_[poller]->call(crowd_.poll(member),
                           [this, poller, member](const client::HttpAnswer* answer) {
                             if (answer == nullptr || answer->status != 200) return;
                             ++report_.polls_answered;
                             crowd_.members()[member].poll_from = next_of(*answer);
                             if (on_poll_) on_poll_();
                             poll_on(poller, member);
                           });
  }

  static std::uint64_t next_of(const client::HttpAnswer& answer) {
    constexpr std::string_view kField = R"("NextSeq":)";
    const std::size_t at = answer.body.find(kField);
    if (at == std::string::npos) return 0;
    return std::strtoull(answer.body.c_str() + at + kField.size(), nullptr, 10);
  }

  // --- the schedule

  struct Due {
    RoomsCall call;
    Instant at;
  };

  void offer() {
    const double cpu_before = cpu_ns_of(service_.pid()).value_or(0);
    began_ = loop_.refresh_now();
    const auto calls = static_cast<std::uint64_t>(options_.seconds * options_.calls_per_s);
    on_tick_ = [&] { give_out(calls); };
    const bool all = run_until(kDrain + Duration{static_cast<std::int64_t>(options_.seconds * 1e6)},
                               [&] { return report_.calls + report_.failed == calls; });
    const Duration took = loop_.refresh_now() - began_;
    report_.cpu_percent =
        (cpu_ns_of(service_.pid()).value_or(0) - cpu_before) / (seconds(took) * 1e9) * 100;
    on_tick_ = nullptr;
    if (!all) report_.failed = calls - report_.calls;
  }

  /// Everything that should have been asked by now, as far as callers are free.
  void give_out(std::uint64_t calls) {
    const Instant now = loop_.refresh_now();
    while (given_ < calls) {
      const Instant at =
          began_ + Duration{static_cast<std::int64_t>(given_ * 1'000'000 / options_.calls_per_s)};
      if (at > now) break;
      due_.push_back({kMix[given_++ % kMix.size()], at});
    }
    for (std::size_t i = 0; i < callers_.size() && !due_.empty(); ++i) {
      if (!callers_[i]->busy()) serve(i);
    }
  }

  void serve(std::size_t caller) {
    if (due_.empty()) return;
    const Due due = due_.front();
    due_.pop_front();
    callers_[caller]->call(question_of(due.call), [this, caller, due](const auto* answer) {
      const bool good = answer != nullptr && taken(*answer);
      if (!good) {
        ++report_.failed;
        if (due.call == RoomsCall::kHeartbeat) ++report_.lost_members;
      } else {
        const std::int64_t latency = to_us(loop_.refresh_now() - due.at);
        report_.latency_us.add(latency);
        report_.latency_of_us[static_cast<std::size_t>(due.call)].add(latency);
        ++report_.calls;
      }
      serve(caller);
    });
  }

  client::HttpQuestion question_of(RoomsCall call) {
    const std::size_t members = std::size_t{options_.rooms} * options_.members;
    // A stride prime to most sizes, so that neighbours in time are not neighbours in a room.
    constexpr std::size_t kStride = 7919;
    switch (call) {
      case RoomsCall::kHeartbeat:
        return crowd_.heartbeat(next_beat_++ % members);
      case RoomsCall::kPushers:
        return crowd_.pushers((next_look_ += kStride) % members);
      case RoomsCall::kRoomList:
        return crowd_.room_list((next_look_ += kStride) % members);
      case RoomsCall::kMessage:
        break;
    }
    const std::size_t room = (next_look_ += kStride) % options_.rooms;
    return crowd_.message(crowd_.rooms()[room].members.front());
  }

  // --- notices

  Status<Failure> tell_notices() {
    if (options_.notice_members == 0) return Done{};
    pollers_.clear();
    beats_.clear();  // the rooms of the load may end by now
    to_fill_.push_back(crowd_.add_room(options_.notice_members, true, true));
    const CrowdRoom room = crowd_.rooms().back();
    if (!fill_rooms()) return Unexpected{Failure{"the live room was not filled"}};
    if (!refusal_.empty()) return Unexpected{Failure{"the live room: " + refusal_}};
    std::size_t heard = 0;
    on_poll_ = [&] { ++heard; };
    for (const std::size_t member : room.members) {
      add_caller(pollers_);
      poll_on(pollers_.size() - 1, member);
    }
    bool all = true;
    for (std::uint32_t i = 0; i < options_.notices && all; ++i) {
      run_until(kNoticePause, [] { return false; });
      heard = 0;
      const Instant asked = loop_.refresh_now();
      callers_.front()->call(crowd_.change(room.members.front(), creator_url_), [](const auto*) {});
      all = run_until(kSecond, [&] { return heard >= room.members.size(); });
      report_.notice_us.add(to_us(loop_.refresh_now() - asked));
    }
    on_poll_ = nullptr;
    if (!all) return Unexpected{Failure{"a notice did not reach every member within 1 s"}};
    return Done{};
  }

  const RoomsOptions options_;
  const RoomsProcess& service_;
  RoomsReport report_;
  net::Loop loop_;
  std::function<void()> on_tick_;
  std::function<void()> ticked_ = [this] {
    if (on_tick_) on_tick_();
  };
  net::Timer tick_;
  Crowd crowd_;
  std::vector<std::unique_ptr<Caller>> callers_, pollers_;
  std::vector<std::optional<JoinScript>> scripts_;  // of each caller
  std::array<std::size_t, kCallers> filling_{};     // its room
  std::deque<std::size_t> to_fill_;
  std::deque<std::pair<std::size_t, Instant>> beats_;  // of members that are in, oldest first
  std::string refusal_, creator_url_;
  std::function<void()> on_poll_;
  Instant began_{};
  std::uint64_t given_ = 0;
  std::deque<Due> due_;
  std::size_t next_beat_ = 0, next_look_ = 0;
};

}  // namespace

Status<Failure> check_rooms(const RoomsOptions& options) {
  const double members = static_cast<double>(options.rooms) * options.members;
  const double beats = kHeartbeatShare * options.calls_per_s;
  if (options.rooms == 0 || options.members == 0 || options.calls_per_s == 0) {
    return Unexpected{Failure{"--rooms, --members, --calls: at least 1"}};
  }
  if (members / beats >= seconds(kHeartbeatTimeout)) {
    return Unexpected{Failure{"--calls: six of ten are heartbeats, and each of " +
                              std::to_string(static_cast<std::uint64_t>(members)) +
                              " members needs one within 20 s: raise it"}};
  }
  if (options.parked > members) return Unexpected{Failure{"--parked: more than there are members"}};
  return Done{};
}

Result<RoomsReport, Failure> run_rooms(const RoomsOptions& options) {
  if (auto checked = check_rooms(options); !checked) return Unexpected{checked.error()};
  run_on_processor(kServing);
  const unsigned polls = std::max(options.parked, options.notice_members);
  auto service = RoomsProcess::start({.program = options.program, .connections = 2 * polls + 1024});
  run_on_processor(kAsking);
  if (!service) return Unexpected{service.error()};
  return RoomsRun{options, **service}.run();
}

}  // namespace sluice::bench
