// RelayConnection: the control socket of one relay, kept connected: lost or not there yet, it is
// tried again ten times a second. What comes through is RelayView's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/loop.h"
#include "net/pipe.h"
#include "rooms/relay_view.h"

namespace sluice::rooms {

class RelayConnection {
 public:
  /// `on_change` is called after the view may have changed. `epoch`: higher than that of any room
  /// service before us.
  RelayConnection(net::Loop& loop, std::string path, std::uint64_t epoch, RandomSource random,
                  std::function<void()> on_change);

  void start() { connect(); }

  RelayView& view() { return view_; }

  const std::string& path() const { return path_; }

  bool connected() const { return pipe_ != nullptr; }

  /// Goes to the relay, if it is there: what it would have closed is closed by its absence.
  void order(schema::Message message);

 private:
  void connect();
  void handle_bytes(Bytes bytes);
  void handle_closed(net::CloseReason reason);
  void lose(const std::string& why);
  void send(Bytes bytes);

  net::Loop& loop_;
  std::string path_;
  std::uint64_t epoch_;
  RelayView view_;
  std::function<void()> on_change_;
  std::unique_ptr<net::PipeConnection> pipe_;
  net::Timer retry_;
  bool told_lost_ = false;  // say so once, not each time
};

}  // namespace sluice::rooms
