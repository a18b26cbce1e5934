#include "bench/link/cell_options.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "sim/quantity.h"

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;

/// A frame of 200 Mbit/s at 1 fps is more than a media frame may have.
constexpr double kRateMax = 200e6;

Duration seconds_of(double seconds) { return Duration{static_cast<std::int64_t>(seconds * 1e6)}; }

std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    pieces.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return pieces;
}

/// "A:B", both read; nothing when either is wrong.
template <class First, class Second>
auto pair_of(std::string_view text, First first, Second second)
    -> std::optional<std::pair<double, double>> {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<double> a = first(text.substr(0, colon));
  const std::optional<double> b = second(text.substr(colon + 1));
  if (!a || !b) return std::nullopt;
  return std::pair{*a, *b};
}

bool set_rate(std::uint64_t& target, std::string_view text) {
  const auto rate = sim::parse_rate(text);
  if (!rate || *rate > kRateMax) return false;
  target = static_cast<std::uint64_t>(*rate);
  return true;
}

bool set_time(Duration& target, std::string_view text) {
  const auto time = sim::parse_milliseconds(text);
  if (time) target = *time;
  return time.has_value();
}

bool set_share(double& target, std::string_view text) {
  const auto share = sim::parse_share(text);
  if (share) target = *share;
  return share.has_value();
}

bool set_schedule(CellOptions& options, std::string_view text) {
  options.rate_steps.clear();
  for (const std::string_view piece : pieces_of(text)) {
    const auto step = pair_of(piece, sim::parse_number, sim::parse_rate);
    if (!step || step->second < 1) return false;
    const Instant from{seconds_of(step->first)};
    if (!options.rate_steps.empty() && from <= options.rate_steps.back().from) return false;
    options.rate_steps.push_back({from, static_cast<std::uint64_t>(step->second)});
  }
  if (options.rate_steps.empty()) return false;
  if (options.rate == 0) options.rate = options.rate_steps.front().bits_per_s;
  return true;
}

bool set_outages(CellOptions& options, std::string_view text) {
  options.outages.clear();
  for (const std::string_view piece : pieces_of(text)) {
    const auto outage = pair_of(piece, sim::parse_number, sim::parse_number);
    if (!outage) return false;
    const Instant begin{seconds_of(outage->first)};
    options.outages.push_back({begin, begin + seconds_of(outage->second / 1000)});
  }
  return !options.outages.empty();
}

bool set_rebinds(CellOptions& options, std::string_view text) {
  options.rebinds.clear();
  for (const std::string_view piece : pieces_of(text)) {
    const auto at = sim::parse_number(piece);
    if (!at) return false;
    options.rebinds.push_back(Instant{seconds_of(*at)});
  }
  return std::is_sorted(options.rebinds.begin(), options.rebinds.end());
}

bool set_subscribers(CellOptions& options, std::string_view text) {
  options.subscribers_loss.clear();
  for (const std::string_view piece : pieces_of(text)) {
    const auto percent = sim::parse_number(piece);
    if (!percent || *percent >= 100) return false;
    options.subscribers_loss.push_back(*percent / 100);
  }
  return !options.subscribers_loss.empty();
}

bool set_hop(CellOptions& options, std::string_view text) {
  if (text != "down" && text != "up" && text != "both") return false;
  options.hop = text == "down" ? Hop::kDown : text == "up" ? Hop::kUp : Hop::kBoth;
  return true;
}

bool set_budget(CellOptions& options, std::string_view text) {
  if (text == "auto") {
    options.budget.reset();
    return true;
  }
  Duration budget{0};
  if (!set_time(budget, text)) return false;
  options.budget = budget;
  return true;
}

/// Times of the options count from the first frame, those of a path from its own beginning.
sim::ImpairmentConfig towards_subscriber(const CellOptions& options, Instant began) {
  sim::ImpairmentConfig path;
  path.latency = options.rtt / 2;
  path.jitter = options.jitter;
  path.reorder = options.reorder;
  path.queue = options.queue;
  if (options.burst >= 1) {
    path.burst = {options.loss, options.burst};
  } else {
    path.loss = options.loss;
  }
  path.rate_bits_per_s = options.rate;
  for (const sim::RateStep& step : options.rate_steps) {
    path.rate_steps.push_back({began + step.from.time_since_epoch(), step.bits_per_s});
  }
  for (const sim::Outage& outage : options.outages) {
    path.outages.push_back(
        {began + outage.begin.time_since_epoch(), began + outage.end.time_since_epoch()});
  }
  return path;
}

}  // namespace

void add_cell_options(CLI::App& app, CellOptions& options) {
  const auto add = [&app](const char* name, const char* type, const char* about,
                          std::function<bool(const std::string&)> set) {
    app.add_option_function<std::string>(
           name,
           [name, set = std::move(set)](const std::string& text) {
             if (!set(text)) throw CLI::ValidationError(name, "cannot be \"" + text + "\"");
           },
           about)
        ->type_name(type)
        ->option_text(type);
  };
  CellOptions& o = options;
  using Text = const std::string&;
  add("--hop", "WHICH", "the impaired leg: down (default), up or both",
      [&o](Text t) { return set_hop(o, t); });
  add("--loss", "P", "share lost, each way, 0.05 or 5%",
      [&o](Text t) { return set_share(o.loss, t) && o.loss < 1; });
  add("--rtt", "MS", "round trip of the impaired leg (20)",
      [&o](Text t) { return set_time(o.rtt, t); });
  add("--jitter", "MS", "up to so much more, uniform",
      [&o](Text t) { return set_time(o.jitter, t); });
  add("--reorder", "P", "share held back by 10 ms",
      [&o](Text t) { return set_share(o.reorder, t); });
  add("--budget", "MS", "play-out beyond the least one-way delay (250), or auto",
      [&o](Text t) { return set_budget(o, t); });
  add("--rate", "BITS", "bottleneck of the impaired leg, 800k or 2M",
      [&o](Text t) { return set_rate(o.rate, t); });
  add("--rate-schedule", "S:BITS,...", "its rate from these seconds on",
      [&o](Text t) { return set_schedule(o, t); });
  add("--queue", "MS", "its drop-tail queue (300)", [&o](Text t) { return set_time(o.queue, t); });
  add("--outage", "S:MS,...", "nothing passes for MS from these seconds on",
      [&o](Text t) { return set_outages(o, t); });
  add("--rebind", "S,...", "the member gets another address at these seconds, as from a NAT",
      [&o](Text t) { return set_rebinds(o, t); });
  add("--bitrate", "BITS", "of the video (2M)", [&o](Text t) { return set_rate(o.bits_per_s, t); });
  add("--audio", "BITS", "of the sound, 50 frames a second (none)",
      [&o](Text t) { return set_rate(o.audio_bits_per_s, t); });
  add("--base-share", "P", "bytes of the lowest of several layers (0.6)",
      [&o](Text t) { return set_share(o.base_share, t); });
  add("--subscribers-loss", "P,...", "a subscriber for each, with so many per cent lost",
      [&o](Text t) { return set_subscribers(o, t); });
  app.add_option("--burst", o.burst, "lose in bursts of so many datagrams in the mean")
      ->check(CLI::Range(1.0, 1000.0));
  app.add_option("--fps", o.fps, "frames a second (30)")->check(CLI::Range(1, 240));
  app.add_option("--key-factor", o.key_factor, "size of a key frame over the others' (8)")
      ->check(CLI::Range(1.0, 100.0));
  app.add_option("--layers", o.layers, "temporal layers (1)")->check(CLI::Range(1, 3));
  app.add_option("--seconds", o.seconds, "of media, 2 of which are not counted (60)")
      ->check(CLI::Range(3.0, 14400.0));
  app.add_option("--seed", o.seed, "equal seeds lose equal datagrams");
}

Result<CellOptions, Failure> parse_cell_options(const std::string& text) {
  CellOptions options;
  CLI::App app{"a cell"};
  add_cell_options(app, options);
  try {
    app.parse(text);
  } catch (const CLI::ParseError& error) {
    return Unexpected{Failure{error.what()}};
  }
  return options;
}

LegPaths paths_of(const CellOptions& options, Leg leg, Instant began, std::size_t subscriber) {
  const bool impaired =
      options.hop == Hop::kBoth || (options.hop == Hop::kDown) == (leg == Leg::kDown);
  LegPaths paths;
  if (!impaired) {
    paths.to_relay.latency = paths.from_relay.latency = kShortPath;
    return paths;
  }
  CellOptions own = options;
  if (leg == Leg::kDown && !options.subscribers_loss.empty()) {
    own.loss = options.subscribers_loss[subscriber];
  }
  sim::ImpairmentConfig media = towards_subscriber(own, began);
  sim::ImpairmentConfig back = media;
  back.rate_bits_per_s = 0;  // feedback has a way of its own
  back.rate_steps.clear();
  paths.to_relay = leg == Leg::kUp ? media : back;
  paths.from_relay = leg == Leg::kUp ? std::move(back) : std::move(media);
  for (const Instant at : options.rebinds) {
    paths.to_relay.address_changes.push_back(began + at.time_since_epoch());
  }
  return paths;
}

}  // namespace sluice::bench
