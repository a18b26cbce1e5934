// One end of a stream under test: it remembers what was told to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/stream.h"
#include "tests/unit/net/support.h"

namespace sluice::net {

struct StreamEnd {
  void take(std::unique_ptr<ByteStream> taken) {
    stream = std::move(taken);
    stream->start({.on_open = Callback<>::to<&StreamEnd::on_open>(this),
                   .on_bytes = Callback<Bytes>::to<&StreamEnd::on_bytes>(this),
                   .on_closed = Callback<CloseReason>::to<&StreamEnd::on_closed>(this)});
  }

  void on_open() {
    EXPECT_FALSE(open);
    open = true;
  }

  void on_bytes(Bytes bytes) {
    EXPECT_TRUE(open && !closed);
    text += as_text(bytes);
    if (on_text) on_text();
  }

  void on_closed(CloseReason reason) {
    EXPECT_FALSE(closed.has_value());
    closed = reason;
    if (on_close) on_close();
  }

  std::unique_ptr<ByteStream> stream;
  bool open = false;
  std::string text;
  std::optional<CloseReason> closed;
  std::function<void()> on_text;
  std::function<void()> on_close;
};

}  // namespace sluice::net
