// HTTP/1.1 as a client of the room service speaks it: the text of a request, and a reader of its
// answer, which ends with its Content-Length or with the connection. Sans-I/O: bytes in, an answer
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace sluice::client {

struct HttpQuestion {
  std::string method, path;
  std::string bearer;  // empty: none
  std::string body;    // JSON; empty: none
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Whether the connection ends with the answer.
enum class HttpAfter : std::uint8_t { kClose, kKeep };

/// `host` as the URL had it.
std::string request_text(const HttpQuestion& question, const std::string& host,
                         HttpAfter after = HttpAfter::kClose);

class HttpAnswerReader {
 public:
  enum class State : std::uint8_t { kMore, kDone, kBroken };

  State handle_bytes(Bytes bytes);

  /// The peer has ended the connection.
  State handle_end();

  State state() const { return state_; }

  /// Of kDone.
  const HttpAnswer& answer() const { return answer_; }

 private:
  State read_head(std::size_t end);
  State take_body();

  /// What a server of ours sends fits many times over; more is none of ours.
  static constexpr std::size_t kHeadBytesMax = 16U << 10U;
  /// A hundred rooms with infos of a kilobyte each, escaped.
  static constexpr std::size_t kBodyBytesMax = 1U << 20U;

  State state_ = State::kMore;
  std::string text_;  // of the head; then of the body
  bool head_read_ = false;
  std::optional<std::size_t> length_;
  HttpAnswer answer_;
};

}  // namespace sluice::client
