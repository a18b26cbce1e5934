#include "sim/proxy/proxy_options.h"

#include <array>
#include <optional>
#include <string_view>

#include "sim/quantity.h"

namespace sluice::sim {

namespace {

/// Address changes made in advance for --rebind-ms: an hour of one each second and more.
constexpr int kRebindsMax = 4096;

/// The options as read, before they are spread over the two directions.
struct Parsed {
  ProxyOptions options;
  ImpairmentConfig fault;
  double loss = 0;
  double burst_datagrams = 0;
  std::string_view direction = "both";
};

template <class Target, class Value>
bool store(Target& target, const std::optional<Value>& value) {
  if (value) target = static_cast<Target>(*value);
  return value.has_value();
}

bool set_outage(Parsed& parsed, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto begin = parse_milliseconds(text.substr(0, colon));
  const auto length = parse_milliseconds(text.substr(colon + 1));
  if (!begin || !length) return false;
  parsed.fault.outages.push_back({Instant{*begin}, Instant{*begin + *length}});
  return true;
}

bool set_rebind(Parsed& parsed, std::string_view text) {
  const auto every = parse_milliseconds(text);
  if (!every || to_us(*every) == 0) return false;
  for (int i = 1; i <= kRebindsMax; ++i) {
    parsed.fault.address_changes.push_back(Instant{*every * i});
  }
  return true;
}

bool set_direction(Parsed& parsed, std::string_view text) {
  parsed.direction = text;
  return text == "both" || text == "to" || text == "from";
}

bool set_text(std::string& target, std::string_view text) {
  target = text;
  return !text.empty();
}

struct Option {
  std::string_view name;
  bool (*set)(Parsed&, std::string_view);
};

using Text = std::string_view;

constexpr std::array kOptions{
    Option{"--listen", [](Parsed& p, Text t) { return set_text(p.options.listen, t); }},
    Option{"--to", [](Parsed& p, Text t) { return set_text(p.options.to, t); }},
    Option{"--store", [](Parsed& p, Text t) { return set_text(p.options.store_file, t); }},
    Option{"--json", [](Parsed& p, Text t) { return set_text(p.options.json_file, t); }},
    Option{"--seed", [](Parsed& p, Text t) { return store(p.options.seed, parse_number(t)); }},
    Option{"--direction", set_direction},
    Option{"--loss", [](Parsed& p, Text t) { return store(p.loss, parse_share(t)); }},
    Option{"--burst", [](Parsed& p, Text t) { return store(p.burst_datagrams, parse_number(t)); }},
    Option{"--latency",
           [](Parsed& p, Text t) { return store(p.fault.latency, parse_milliseconds(t)); }},
    Option{"--jitter",
           [](Parsed& p, Text t) { return store(p.fault.jitter, parse_milliseconds(t)); }},
    Option{"--dup", [](Parsed& p, Text t) { return store(p.fault.duplicate, parse_share(t)); }},
    Option{"--reorder", [](Parsed& p, Text t) { return store(p.fault.reorder, parse_share(t)); }},
    Option{"--flip", [](Parsed& p, Text t) { return store(p.fault.bit_flip, parse_share(t)); }},
    Option{"--rate",
           [](Parsed& p, Text t) { return store(p.fault.rate_bits_per_s, parse_rate(t)); }},
    Option{"--queue-ms",
           [](Parsed& p, Text t) { return store(p.fault.queue, parse_milliseconds(t)); }},
    Option{"--mtu", [](Parsed& p, Text t) { return store(p.fault.mtu_bytes, parse_number(t)); }},
    Option{"--outage-ms", set_outage},
    Option{"--rebind-ms", set_rebind},
};

Failure wrong(std::string_view argument, std::string_view why) {
  return {std::string{argument} + ": " + std::string{why} + " (--help lists all)"};
}

const Option* find_option(std::string_view name) {
  for (const Option& option : kOptions) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

Result<ProxyOptions, Failure> finished(Parsed& parsed) {
  if (parsed.options.to.empty()) return Unexpected{Failure{"--to HOST:PORT is missing"}};
  if (parsed.burst_datagrams >= 1) {
    if (parsed.loss >= 1) return Unexpected{Failure{"--burst: needs a --loss below 100%"}};
    parsed.fault.burst = {parsed.loss, parsed.burst_datagrams};
  } else {
    parsed.fault.loss = parsed.loss;
  }
  if (parsed.direction != "from") parsed.options.to_relay = parsed.fault;
  if (parsed.direction != "to") parsed.options.from_relay = parsed.fault;
  return parsed.options;
}

}  // namespace

Result<ProxyOptions, Failure> parse_proxy_options(std::span<const char* const> arguments) {
  Parsed parsed;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    if (name == "--help") {
      parsed.options.help = true;
      return parsed.options;
    }
    const Option* option = find_option(name);
    if (option == nullptr) return Unexpected{wrong(name, "unknown option")};
    if (i + 1 == arguments.size()) return Unexpected{wrong(name, "needs a value")};
    if (!option->set(parsed, arguments[i + 1])) {
      return Unexpected{wrong(name, "cannot be \"" + std::string{arguments[i + 1]} + "\"")};
    }
  }
  return finished(parsed);
}

const char* proxy_usage() {
  return "impairing_proxy --to HOST:PORT [options]: passes UDP on, as badly as it is told to\n"
         "  --listen HOST:PORT   default 127.0.0.1:0; the bound address is printed\n"
         "  --direction WHICH    which direction suffers: both (default), to or from the relay\n"
         "  --loss P             share lost, 0.05 or 5%\n"
         "  --burst N            lose in bursts of N datagrams in the mean, --loss in total\n"
         "  --latency MS --jitter MS --dup P --reorder P --flip P --mtu BYTES\n"
         "  --rate BITS          bits a second, 800k or 2M, behind a drop-tail queue of\n"
         "  --queue-ms MS        this length (default 200)\n"
         "  --outage-ms AT:MS    nothing passes for MS, from AT after the start; may be repeated\n"
         "  --rebind-ms MS       each client gets a new source port this often, as behind a NAT\n"
         "  --seed N             equal seeds lose equal datagrams\n"
         "  --store FILE         every datagram as received, for later inspection\n"
         "  --json FILE          counters, written at the end (SIGINT or SIGTERM)\n";
}

}  // namespace sluice::sim
