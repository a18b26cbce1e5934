#include "bench/link/link_command.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "bench/link/cell_report.h"
#include "bench/link/cell_table.h"
#include "bench/link/sim_cell.h"
#include "bench/link/socket_cell.h"

namespace sluice::bench {
namespace {

constexpr int kExitEnvironment = 5;

bool write_text(const std::string& file, const std::string& text) {
  if (file == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) return false;
  const bool whole = std::fputs(text.c_str(), out) >= 0;
  return std::fclose(out) == 0 && whole;
}

/// A line on a terminal while a long run goes on.
class Progress {
 public:
  explicit Progress(double seconds) : seconds_(seconds), shown_(::isatty(STDERR_FILENO) == 1) {}

  ~Progress() {
    if (shown_ && any_) std::fputs("\r\033[K", stderr);
  }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(Duration at) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + std::chrono::milliseconds{500};
    any_ = true;
    const std::chrono::duration<double> spent = now - began_;
    std::fprintf(stderr, "\r%6.0f of %.0f virtual s, %.0f s", static_cast<double>(to_us(at)) / 1e6,
                 seconds_, spent.count());
  }

 private:
  double seconds_;
  bool shown_;
  bool any_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now(), next_ = began_;
};

Result<CellReport, Failure> run_once(const LinkCommand& command, const CellOptions& cell) {
  if (!command.sim) return run_socket_cell(cell, command.relay);
  Progress progress{cell.seconds};
  return run_sim_cell(cell, net::Callback<Duration>::to<&Progress::show>(&progress));
}

Result<CellReport, Failure> run_pooled(const LinkCommand& command, const CellOptions& options) {
  std::optional<CellReport> pooled;
  for (std::uint32_t run = 0; run < command.runs; ++run) {
    CellOptions cell = options;
    cell.seed += run;
    auto report = run_once(command, cell);
    if (!report) return report;
    if (pooled) {
      pooled->pool(*report);
    } else {
      pooled = std::move(*report);
    }
  }
  return std::move(*pooled);
}

Result<std::string, Failure> read_text(const std::string& file) {
  std::ifstream in{file};
  if (!in) return Unexpected{Failure{"cannot read " + file}};
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

/// A row for each cell, as soon as it is known. How long, from which seed on and how often they are
/// run is the command line's.
Status<Failure> run_table(const LinkCommand& command) {
  std::string text{must_cells()};
  if (command.cells != "must") {
    auto read = read_text(command.cells);
    if (!read) return Unexpected{read.error()};
    text = std::move(*read);
  }
  auto cells = parse_cells(text);
  if (!cells) return Unexpected{cells.error()};
  std::fputs(table_head().c_str(), stdout);
  for (CellTarget& cell : *cells) {
    cell.options.seconds = command.cell.seconds;
    cell.options.seed = command.cell.seed;
    const auto report = run_pooled(command, cell.options);
    if (!report) return Unexpected{Failure{cell.name + ": " + report.error().message}};
    std::fputs(table_row(cell, *report).c_str(), stdout);
    std::fflush(stdout);
  }
  return Done{};
}

Status<Failure> run_cell(const LinkCommand& command) {
  const auto report = run_pooled(command, command.cell);
  if (!report) return Unexpected{report.error()};
  if (write_text(command.json, cell_json(*report))) return Done{};
  return Unexpected{Failure{"cannot write " + command.json}};
}

}  // namespace

CLI::App* add_link_command(CLI::App& app, LinkCommand& command) {
  CLI::App* link =
      app.add_subcommand("link", "one cell: pusher, impaired leg, relay, impaired leg, subscriber");
  add_cell_options(*link, command.cell);
  link->add_flag("--sim", command.sim, "in virtual time, with the real links and rooms");
  link->add_option("--relay", command.relay,
                   "without --sim: the relay's program (the one beside this)");
  link->add_option("--runs", command.runs, "so many seeds, pooled")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  link->add_option("--cells", command.cells,
                   "a table of cells, from a file or 'must': a row for each on standard output");
  link->add_option("--json", command.json, "where the report goes, - for standard output")
      ->capture_default_str();
  return link;
}

int run_link_command(const LinkCommand& command) {
  const auto done = command.cells.empty() ? run_cell(command) : run_table(command);
  if (done) return 0;
  std::fprintf(stderr, "sluice-bench: %s\n", done.error().message.c_str());
  return kExitEnvironment;
}

}  // namespace sluice::bench
