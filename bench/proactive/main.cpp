// proactive_search: the table "Proactive repairs" of docs/PERFORMANCE.md. For each loss and each
// column it tries rates and prints the one with the least overhead among those that miss few enough
// frames; else the one that misses least. The same every time.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/proactive/model.h"

namespace sluice::bench {
namespace {

struct Column {
  const char* name;
  int rtt_ms;
  int budget_ms;
};

constexpr Column kColumns[] = {
    {"no round, 11 parts in the budget", 300, 50},
    {"no round, 22 parts", 300, 100},
    {"no round, 33 parts", 300, 150},
    {"no round, 57 parts", 300, 250},
    {"one round, just", 100, 120},
    {"one round", 200, 250},
    {"two rounds", 100, 250},
};

constexpr double kLosses[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3};
constexpr double kRates[] = {0,   0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35,
                             0.4, 0.45, 0.5,  0.55, 0.6,  0.7, 0.8,  0.9,  1.0, 1.2,  1.5};

// One in a thousand is what a cell may miss; the margins are for what the model leaves out, and for
// how few key frames a run has.
constexpr double kMissesMax = 0.0007;
constexpr int kKeyMissesMax = 1;

void print(const ProactiveCell& cell, const ProactiveResult& result, const char* mark) {
  std::printf("%4.1f %%  rate %.2f  missed %5d of %d, key %4d of %d, overhead %5.1f %%%s\n",
              100 * cell.loss, cell.rate, result.missed, result.frames, result.key_missed,
              result.key_frames, 100 * result.overhead, mark);
  std::fflush(stdout);
}

/// More than this many times the loss has never paid.
bool is_worth_trying(const ProactiveCell& cell) {
  const double factor = cell.rounds() == 0 ? 40 : 8;
  return cell.rate <= 0.1 + factor * cell.loss;
}

void search(ProactiveCell cell, bool verbose) {
  ProactiveCell best_cell;
  ProactiveResult best;
  bool good_enough = false;
  int worse_in_a_row = 0;
  for (const double rate : kRates) {
    cell.rate = rate;
    if (!is_worth_trying(cell)) break;
    const ProactiveResult result = run(cell);
    if (verbose) print(cell, result, "");
    const bool good = result.miss_ratio() <= kMissesMax && result.key_missed <= kKeyMissesMax;
    const bool better = good ? !good_enough || result.overhead < best.overhead
                             : !good_enough && (best.frames == 0 || result.missed < best.missed);
    if (better) {
      best_cell = cell;
      best = result;
    }
    good_enough = good_enough || good;
    // Beyond enough, every further repair only costs.
    worse_in_a_row = good && !better ? worse_in_a_row + 1 : 0;
    if (worse_in_a_row == 3 || (good && cell.rounds() == 0)) break;
  }
  print(best_cell, best, "  <- best");
}

int run_search(int seconds, bool verbose) {
  for (const Column& column : kColumns) {
    std::printf("%s: RTT %d ms, play-out delay %d ms\n", column.name, column.rtt_ms,
                column.budget_ms);
    for (const double loss : kLosses) {
      ProactiveCell cell;
      cell.loss = loss;
      cell.rtt_ms = column.rtt_ms;
      cell.budget_ms = column.budget_ms;
      cell.seconds = seconds;
      search(cell, verbose);
    }
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

/// proactive_search [SECONDS [all]]
int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 300;
  if (seconds < 10) {
    std::fprintf(stderr, "proactive_search [SECONDS, at least 10 [all]]\n");
    return 2;
  }
  return sluice::bench::run_search(seconds, argc > 2 && std::string{argv[2]} == "all");
}
