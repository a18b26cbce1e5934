#include "client/rooms/event_stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proto/crypto/encoding.h"
#include "proto/crypto/sha1.h"

namespace sluice::client {
namespace {

constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;
constexpr std::uint8_t kFin = 0x80, kReserved = 0x70, kOpcode = 0x0F, kMasked = 0x80;
constexpr std::size_t kControlBytesMax = 125;
constexpr std::uint16_t kNoCode = 1005;  // RFC 6455 7.4.1: the frame had none

/// RFC 6455 1.3.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

/// The value of a field of an HTTP head, without the spaces around it.
std::string_view field_of(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t next = head.find("\r\n", at + 2);
    std::string_view line = head.substr(at + 2, next - at - 2);
    at = next;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || lower(line.substr(0, colon)) != name) continue;
    line.remove_prefix(colon + 1);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    return line;
  }
  return {};
}

}  // namespace

std::string EventStream::request(const std::string& path, const std::string& host,
                                 const std::string& bearer) {
  std::array<std::byte, 16> nonce;
  random_(nonce);
  const std::string key = crypto::to_base64(nonce, crypto::Base64::kStandard);
  accept_ = crypto::to_base64(crypto::sha1(as_bytes(key + std::string{kGuid})),
                              crypto::Base64::kStandard);
  std::string text = "GET " + path + " HTTP/1.1\r\nhost: " + host +
                     "\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: " + key +
                     "\r\nsec-websocket-version: 13\r\n";
  if (!bearer.empty()) text += "authorization: Bearer " + bearer + "\r\n";
  return text + "\r\n";
}

EventStream::State EventStream::handle_bytes(Bytes bytes) {
  if (state_ == State::kEnded) return state_;
  input_ += as_text(bytes);
  if (state_ == State::kOpening) open();
  while (state_ == State::kOpen && take_frame()) {
  }
  return state_;
}

void EventStream::open() {
  constexpr std::string_view kSwitching = "HTTP/1.1 101";
  const std::string_view start = std::string_view{input_}.substr(0, kSwitching.size());
  if (start != kSwitching.substr(0, start.size())) {
    const auto read = reader_.handle_bytes(as_bytes(std::exchange(input_, {})));
    if (read == HttpAnswerReader::State::kMore) return;
    if (read == HttpAnswerReader::State::kBroken) return breaks("this is no room service");
    refusal_ = reader_.answer();
    state_ = State::kEnded;
    return;
  }
  const std::size_t end = input_.find("\r\n\r\n");
  if (end == std::string::npos) {
    constexpr std::size_t kHeadBytesMax = 16U << 10U;
    if (input_.size() > kHeadBytesMax) breaks("its answer has no end");
    return;
  }
  const std::string_view head = std::string_view{input_}.substr(0, end);
  if (field_of(head, "sec-websocket-accept") != accept_) return breaks("this is no WebSocket");
  input_.erase(0, end + 4);
  state_ = State::kOpen;
}

/// RFC 6455 5.2. Nothing when more bytes are needed, or when it broke the protocol.
std::optional<EventStream::Frame> EventStream::frame_head() {
  const Bytes bytes = as_bytes(input_);
  if (bytes.size() < 2) return std::nullopt;
  const auto first = std::to_integer<std::uint8_t>(bytes[0]);
  const auto second = std::to_integer<std::uint8_t>(bytes[1]);
  Frame frame{static_cast<std::uint8_t>(first & kOpcode), (first & kFin) != 0, 2, second};
  if ((first & kReserved) != 0 || (second & kMasked) != 0) {
    return breaks("a frame that a server may not send"), std::nullopt;
  }
  if (second == 126 || second == 127) {
    frame.head_bytes = second == 126 ? 4 : 10;
    if (bytes.size() < frame.head_bytes) return std::nullopt;
    const std::uint64_t length = second == 126 ? load_be<2>(&bytes[2]) : load_be<8>(&bytes[2]);
    if (length > kMessageBytesMax) return breaks("an event that is too large"), std::nullopt;
    frame.bytes = static_cast<std::size_t>(length);
  }
  const bool control = frame.opcode >= kClose;
  if (control && (!frame.last || frame.bytes > kControlBytesMax)) {
    return breaks("a control frame in parts"), std::nullopt;
  }
  if (bytes.size() < frame.head_bytes + frame.bytes) return std::nullopt;
  return frame;
}

bool EventStream::take_frame() {
  const auto frame = frame_head();
  if (!frame) return false;
  const std::string data = input_.substr(frame->head_bytes, frame->bytes);
  input_.erase(0, frame->head_bytes + frame->bytes);
  switch (frame->opcode) {
    case kContinuation:
    case kText:
      take_message(*frame, data);
      break;
    case kBinary:  // none is sent today
    case kPong:
      break;
    case kPing:
      answer(kPong, data);
      break;
    case kClose:
      take_close(data);
      break;
    default:
      breaks("a frame of an unknown kind");
  }
  return state_ == State::kOpen;
}

void EventStream::take_message(const Frame& frame, std::string_view data) {
  if ((frame.opcode == kContinuation) != in_message_) return breaks("a message out of its order");
  if (message_.size() + data.size() > kMessageBytesMax) return breaks("an event that is too large");
  message_ += data;
  in_message_ = !frame.last;
  if (frame.last) texts_.push_back(std::exchange(message_, {}));
}

void EventStream::take_close(std::string_view data) {
  const Bytes bytes = as_bytes(data);
  code_ = data.size() >= 2 ? static_cast<std::uint16_t>(load_be<2>(bytes.data())) : kNoCode;
  if (data.size() > 2) reason_ = data.substr(2);
  answer(kClose, data.substr(0, 2));
  state_ = State::kEnded;
}

/// What a client sends is masked (RFC 6455 5.3).
void EventStream::answer(std::uint8_t opcode, std::string_view data) {
  std::array<std::byte, 4> mask;
  random_(mask);
  output_ += static_cast<char>(kFin | opcode);
  output_ += static_cast<char>(kMasked | data.size());
  output_ += as_text(mask);
  for (std::size_t i = 0; i < data.size(); ++i) {
    output_ += static_cast<char>(std::to_integer<unsigned char>(mask[i % mask.size()]) ^
                                 static_cast<unsigned char>(data[i]));
  }
}

void EventStream::breaks(const char* why) {
  state_ = State::kEnded;
  code_ = 0;
  reason_ = why;
}

std::optional<std::string> EventStream::poll_text() {
  if (texts_.empty()) return std::nullopt;
  std::string text = std::move(texts_.front());
  texts_.pop_front();
  return text;
}

}  // namespace sluice::client
