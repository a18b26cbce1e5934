#include <algorithm>
#include <utility>

#include "proto/schema/control.h"

namespace sluice::schema {

FrameStep FrameReader::step(Bytes& input) {
  if (given_) {
    buffer_.clear();
    given_ = false;
  }
  const auto take_up_to = [&](std::size_t size) {
    const Bytes taken = input.first(std::min(size - buffer_.size(), input.size()));
    buffer_.insert(buffer_.end(), taken.begin(), taken.end());
    input = input.subspan(taken.size());
    return buffer_.size() == size;
  };
  if (buffer_.size() < kLengthPrefixBytes && !take_up_to(kLengthPrefixBytes)) return {};
  const auto length = static_cast<std::size_t>(load_be<kLengthPrefixBytes>(buffer_.data()));
  if (length == 0 || length > kMessageBytesMax) return {FrameState::kTooLong, {}};
  if (!take_up_to(kLengthPrefixBytes + length)) return {};
  given_ = true;
  return {FrameState::kFrame, Bytes{buffer_}.subspan(kLengthPrefixBytes)};
}

Result<std::vector<std::byte>, Failure> Caller::ask(Message message) {
  Envelope envelope;
  envelope.id = ++id_;
  envelope.message = std::move(message);
  return encode(envelope);
}

Result<std::optional<Message>, Failure> Caller::handle_bytes(Bytes input) {
  std::optional<Message> answer;
  while (true) {
    const FrameStep step = reader_.step(input);
    if (step.state == FrameState::kNeedMore) return answer;
    if (step.state == FrameState::kTooLong) {
      return Unexpected{Failure{"the other end of the control socket sends no message of ours"}};
    }
    auto decoded = decode(step.frame);
    if (!decoded) {
      // A later version's event is no concern of a tool.
      if (decoded.error().code == StatusCode::kUnknownMessage) continue;
      return Unexpected{
          Failure{"the control socket sent a malformed message: " + decoded.error().text}};
    }
    if (decoded->kind == Kind::kEvent) {
      if (auto* hello = std::get_if<Hello>(&decoded->message)) hello_ = std::move(*hello);
    } else if (decoded->kind == Kind::kResponse && (decoded->id == id_ || decoded->id == 0)) {
      // Id 0 answers what the relay could not read at all: with one request out, it is that one.
      answer = std::move(decoded->message);
    }
  }
}

}  // namespace sluice::schema
