#include "daemon/shutdown.h"

#include <signal.h>

#include "net/log.h"

namespace sluice::daemon {

namespace {

void mask_signals(int how) {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGTERM);
  sigaddset(&both, SIGINT);
  pthread_sigmask(how, &both, nullptr);
}

}  // namespace

Shutdown::Shutdown(net::Loop& loop, net::Callback<> on_first_signal)
    : loop_(loop),
      on_first_signal_(on_first_signal),
      terminate_(loop, net::Callback<int>::to<&Shutdown::on_signal>(this)),
      interrupt_(loop, net::Callback<int>::to<&Shutdown::on_signal>(this)) {}

Status<Failure> Shutdown::watch() {
  mask_signals(SIG_UNBLOCK);
  if (auto watched = terminate_.watch(SIGTERM); !watched) return watched;
  return interrupt_.watch(SIGINT);
}

// Without their handles the signals would have their default effect, and kill what ends in order.
Shutdown::~Shutdown() { mask_signals(SIG_BLOCK); }

void Shutdown::on_signal(int number) {
  LOG(kInfo, signalled_ ? "stopping_at_once" : "stopping", {{"signal", number}});
  if (signalled_) return loop_.stop();
  signalled_ = true;
  on_first_signal_();
}

}  // namespace sluice::daemon
