// Program: the daemon put together on the main loop: the Relay with its threads, control socket,
// pages, --dev file, signals, watchdog. start() fails with one line that names the cure and leaves
// nothing behind; run() returns when a signal has ended it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/shutdown.h"
#include "net/loop.h"
#include "proto/base/result.h"
#include "relay/config.h"
#include "relay/control/control_server.h"
#include "relay/control/introduction.h"
#include "relay/control/mirror.h"
#include "relay/control/orders.h"
#include "relay/control/pages.h"
#include "relay/dev.h"
#include "relay/relay.h"

namespace sluice::relay {

struct ProgramOptions {
  Config config;
  std::string version;
  bool dev = false;
  // With --dev, what was not given is found out: a free port, the runtime folder.
  bool listen_given = false, http_given = false, control_given = false;
};

class Program {
  /// Only start() can make one, so that nobody holds one that was not started.
  struct Private {};

 public:
  Program(Private, net::Loop& loop, ProgramOptions options);
  static Result<std::unique_ptr<Program>, Failure> start(net::Loop& loop, ProgramOptions options);

  ~Program();

  /// With --dev, what to type next; else empty.
  std::string greeting() const;

  void run() { loop_.run(); }

 private:
  Status<Failure> prepare_dev();
  Status<Failure> start_relay();
  Status<Failure> start_control();
  Status<Failure> start_pages();
  Status<Failure> write_dev_files();
  void announce();

  void drain(Duration grace, std::function<void()> done);
  void on_signal();
  void on_stopped();
  void on_watchdog();
  MetricsSource metrics_source();

  net::Loop& loop_;
  ProgramOptions options_;
  schema::BootId boot_id_{};
  std::vector<std::string> dev_paths_;
  std::string http_address_;
  Mirror mirror_;
  ControlServer server_;       // before the relay: its replies may be with the relay
  daemon::Shutdown shutdown_;  // before the relay: its threads must not meet signals either
  std::unique_ptr<Relay> relay_;
  std::optional<Introduction> introduction_;
  std::optional<Orders> orders_;
  MetricsSource metrics_;
  std::optional<Pages> pages_;
  std::vector<DevFile> dev_files_;
  net::Timer watchdog_;
  net::Timer stop_timer_;
};

}  // namespace sluice::relay
