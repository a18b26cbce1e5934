// Shutdown: SIGTERM and SIGINT end the program in order at the first signal and at once at the
// second, for someone who does not want to wait for a drain.
#pragma once

#include "net/callback.h"
#include "net/loop.h"
#include "proto/base/result.h"

namespace sluice::daemon {

class Shutdown {
 public:
  Shutdown(net::Loop& loop, net::Callback<> on_first_signal);

  /// A signal that comes from now on finds a program that is ending already, and changes nothing.
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  Status<Failure> watch();

 private:
  void on_signal(int number);

  net::Loop& loop_;
  net::Callback<> on_first_signal_;
  net::Signal terminate_;
  net::Signal interrupt_;
  bool signalled_ = false;
};

}  // namespace sluice::daemon
