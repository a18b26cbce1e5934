#include "client/rooms/http_answer.h"

#include <algorithm>
#include <charconv>

namespace sluice::client {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr int kNoContent = 204;

}  // namespace

std::string request_text(const HttpQuestion& question, const std::string& host, HttpAfter after) {
  std::string text = question.method + " " + question.path + " HTTP/1.1\r\nhost: " + host + "\r\n";
  if (after == HttpAfter::kClose) text += "connection: close\r\n";
  if (!question.bearer.empty()) text += "authorization: Bearer " + question.bearer + "\r\n";
  if (!question.body.empty()) text += "content-type: application/json\r\n";
  if (!question.body.empty() || question.method == "POST") {
    text += "content-length: " + std::to_string(question.body.size()) + "\r\n";
  }
  return text + "\r\n" + question.body;
}

HttpAnswerReader::State HttpAnswerReader::handle_bytes(Bytes bytes) {
  if (state_ != State::kMore) return state_;
  text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (head_read_) return take_body();
  const std::size_t end = text_.find("\r\n\r\n");
  if (end > kHeadBytesMax && (end != std::string::npos || text_.size() > kHeadBytesMax)) {
    return state_ = State::kBroken;
  }
  return end == std::string::npos ? state_ : read_head(end);
}

HttpAnswerReader::State HttpAnswerReader::handle_end() {
  if (state_ != State::kMore) return state_;
  if (!head_read_ || length_) return state_ = State::kBroken;
  answer_.body = std::move(text_);
  return state_ = State::kDone;
}

HttpAnswerReader::State HttpAnswerReader::read_head(std::size_t end) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const std::string head = text_.substr(0, end);
  const std::string_view view{head};
  const auto status =
      view.size() >= 12 && view.substr(0, kVersion.size()) == kVersion && view[8] == ' '
          ? number<int>(view.substr(9, 3))
          : std::nullopt;
  if (!status || *status < 200 || *status > 599) return state_ = State::kBroken;
  answer_.status = *status;
  for (std::size_t at = view.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t next = view.find("\r\n", at + 2);
    const std::string_view line = view.substr(at + 2, next - at - 2);
    at = next;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return state_ = State::kBroken;
    const std::string name = lower(line.substr(0, colon));
    if (name == "transfer-encoding") return state_ = State::kBroken;  // we asked for none
    if (name != "content-length") continue;
    length_ = number<std::size_t>(trimmed(line.substr(colon + 1)));
    if (!length_ || *length_ > kBodyBytesMax) return state_ = State::kBroken;
  }
  if (*status == kNoContent) length_ = 0;
  text_.erase(0, end + 4);
  head_read_ = true;
  return take_body();
}

HttpAnswerReader::State HttpAnswerReader::take_body() {
  if (text_.size() > kBodyBytesMax) return state_ = State::kBroken;
  if (!length_ || text_.size() < *length_) return state_;
  text_.resize(*length_);
  answer_.body = std::move(text_);
  return state_ = State::kDone;
}

}  // namespace sluice::client
