#include "client/rooms/room_listener.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/rooms/json_text.h"
#include "net/dial.h"
#include "proto/crypto/secret.h"

namespace sluice::client {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 5> kLastWords{"dissolved", "left", "timeout", "kicked",
                                                     "banned"};
constexpr int kServerError = 500;

std::uint64_t seq_of(const std::string& event) {
  const Json json = Json::parse(event, nullptr, false);
  const auto at = json.is_object() ? json.find("seq") : json.end();
  return at != json.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::string words_of(const HttpAnswer& answer) {
  const Json json = Json::parse(answer.body, nullptr, false);
  const std::string title = text_of(json, "title"), cure = text_of(json, "cure");
  if (title.empty()) return "status " + std::to_string(answer.status);
  return cure.empty() ? title : title + ": " + cure;
}

}  // namespace

RoomListener::RoomListener(net::Loop& loop, const RoomUrl& url, const Handlers& handlers)
    : loop_(loop),
      url_(url),
      handlers_(handlers),
      stream_(crypto::system_random()),
      again_(loop, net::Callback<>::to<&RoomListener::connect>(this)),
      silence_(loop, net::Callback<>::to<&RoomListener::lose>(this)) {}

void RoomListener::listen(const RoomName& room, const std::string& token) {
  path_ = "/v1/rooms/" + std::string{room.view()} + "/events";
  token_ = token;
  connect();
}

void RoomListener::connect() {
  stream_ = EventStream{crypto::system_random()};
  auto connection = net::dial(loop_, url_.address, url_.tls ? &*url_.tls : nullptr, url_.name);
  if (!connection) return again_.arm_in(kAgainIn);
  connection_ = std::move(*connection);
  silence_.arm_in(kOpenWithin);
  connection_->start({net::Callback<>::to<&RoomListener::handle_open>(this),
                      net::Callback<Bytes>::to<&RoomListener::handle_bytes>(this),
                      net::Callback<net::CloseReason>::to<&RoomListener::handle_closed>(this)});
}

void RoomListener::handle_open() {
  const std::string after = last_seq_ == 0 ? "" : "?after=" + std::to_string(last_seq_);
  const std::string request = stream_.request(path_ + after, url_.host, token_);
  static_cast<void>(connection_->write(as_bytes(request)));
}

void RoomListener::handle_bytes(Bytes bytes) {
  silence_.arm_in(kSilenceMax);
  const bool opening = stream_.state() == EventStream::State::kOpening;
  const EventStream::State state = stream_.handle_bytes(bytes);
  if (opening && state == EventStream::State::kOpen) handlers_.on_open();
  while (auto text = stream_.poll_text()) {
    last_seq_ = std::max(last_seq_, seq_of(*text));
    handlers_.on_event(*text);
  }
  const std::string output = stream_.take_output();
  if (!output.empty()) static_cast<void>(connection_->write(as_bytes(output)));
  if (state == EventStream::State::kEnded) take_end();
}

void RoomListener::take_end() {
  connection_.reset();
  silence_.cancel();
  const auto& refusal = stream_.refusal();
  if (refusal && refusal->status < kServerError) {
    return handlers_.on_end(Error{ExitCode::kRefused, words_of(*refusal)});
  }
  const bool for_good =
      std::find(kLastWords.begin(), kLastWords.end(), stream_.reason()) != kLastWords.end();
  if (for_good) return handlers_.on_end(Error{ExitCode::kOk, stream_.reason()});
  again_.arm_in(kAgainIn);
}

void RoomListener::handle_closed(net::CloseReason) { lose(); }

void RoomListener::lose() {
  connection_.reset();
  silence_.cancel();
  again_.arm_in(kAgainIn);
}

}  // namespace sluice::client
