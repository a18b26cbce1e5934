// EventStream: the client's end of a WebSocket (RFC 6455) on which a room's events come: the
// upgrade, texts in, pongs out, the end with its reason. It sends no message of its own. Sans-I/O:
// bytes in, texts and bytes out; randomness is given.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/rooms/http_answer.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"

namespace sluice::client {

class EventStream {
 public:
  enum class State : std::uint8_t { kOpening, kOpen, kEnded };

  explicit EventStream(RandomSource random) : random_(random) {}

  /// The first bytes to send.
  std::string request(const std::string& path, const std::string& host, const std::string& bearer);

  State handle_bytes(Bytes bytes);

  std::optional<std::string> poll_text();

  /// Bytes that want to be sent; empty when there are none.
  std::string take_output() { return std::exchange(output_, {}); }

  State state() const { return state_; }

  /// Of kEnded: the answer of a server that did not upgrade; else nothing.
  const std::optional<HttpAnswer>& refusal() const { return refusal_; }

  /// Of kEnded: the code of the other end's close frame, 0 for what broke the protocol; `reason` is
  /// its text, or ours.
  std::uint16_t code() const { return code_; }

  const std::string& reason() const { return reason_; }

 private:
  struct Frame {
    std::uint8_t opcode = 0;
    bool last = false;
    std::size_t head_bytes = 0, bytes = 0;
  };

  void open();
  bool take_frame();
  std::optional<Frame> frame_head();
  void take_message(const Frame& frame, std::string_view data);
  void take_close(std::string_view data);
  void answer(std::uint8_t opcode, std::string_view data);
  void breaks(const char* why);

  /// An event has a text of 9 KiB at most, escaped; more is none of ours.
  static constexpr std::size_t kMessageBytesMax = 256U << 10U;

  RandomSource random_;
  State state_ = State::kOpening;
  std::string accept_;  // what the server has to say of our key
  HttpAnswerReader reader_;
  std::string input_, output_, message_;
  bool in_message_ = false;
  std::deque<std::string> texts_;
  std::optional<HttpAnswer> refusal_;
  std::uint16_t code_ = 0;
  std::string reason_;
};

}  // namespace sluice::client
