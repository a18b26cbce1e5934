// Program: sluice-rooms on its main loop: state folder, secret, journal, Service, signals. start()
// fails with one line that names the cure; run() returns when a signal has ended it.
#pragma once

#include <memory>
#include <string>

#include "daemon/shutdown.h"
#include "net/loop.h"
#include "proto/base/result.h"
#include "rooms/config.h"
#include "rooms/service.h"

namespace sluice::rooms {

struct ProgramOptions {
  Config config;
  std::string version;
  bool dev = false;
  // With --dev, what was not given is found out.
  bool listen_given = false, relay_given = false, state_given = false;
};

class Program {
  /// Only start() can make one, so that nobody holds one that was not started.
  struct Private {};

 public:
  Program(Private, net::Loop& loop, ProgramOptions options);
  static Result<std::unique_ptr<Program>, Failure> start(net::Loop& loop, ProgramOptions options);

  /// With --dev, what to type next; else empty.
  std::string greeting() const;

  void run() { loop_.run(); }

  const Address& address() const { return address_; }

 private:
  Status<Failure> prepare_dev();
  Status<Failure> make_service();
  Status<Failure> listen();
  void on_signal();

  net::Loop& loop_;
  ProgramOptions options_;
  Address address_;
  daemon::Shutdown shutdown_;
  std::unique_ptr<Service> service_;
};

}  // namespace sluice::rooms
