#include "client/rooms/room_session.h"

#include <algorithm>
#include <utility>

#include "net/address.h"
#include "net/dial.h"
#include "net/http_url.h"

namespace sluice::client {

Result<RoomUrl, Error> parse_room_url(const std::string& url) {
  auto parsed = net::parse_http_url(url);
  if (!parsed || parsed->path != "/") {
    return fail(ExitCode::kBadInput, url + ": a room service is http[s]://HOST[:PORT]");
  }
  const auto addresses = net::resolve_blocking(parsed->host);
  if (!addresses) return fail(ExitCode::kUnreachable, addresses.error().message);
  RoomUrl room{std::move(parsed->authority), addresses->front()};
  if (!parsed->tls) return room;
  auto tls = net::TlsContext::load_public();
  if (!tls) return fail(ExitCode::kEnvironment, tls.error().message);
  room.name = std::move(parsed->host.host);
  room.tls = *std::move(tls);
  return room;
}

RoomSession::RoomSession(net::Loop& loop, RoomUrl url, RoomClient::Config config,
                         net::Callback<const RoomEvent&> on_event)
    : loop_(loop),
      url_(std::move(url)),
      client_(std::move(config)),
      on_event_(on_event),
      timer_(loop, net::Callback<>::to<&RoomSession::handle_due>(this)) {}

void RoomSession::go() {
  // An event's receiver may ask again, and what is asked may fail at once.
  for (;;) {
    auto event = client_.poll_event();
    if (event && awaited_ == event->call) {
      awaited_.reset();
      answered_ = std::move(event);
    } else if (event) {
      on_event_(*event);
    } else if (auto question = connection_ ? std::nullopt : client_.poll_question()) {
      ask(*question);
    } else {
      break;
    }
  }
  timer_.arm(std::min(client_.next_deadline(), give_up_at_));
}

RoomEvent RoomSession::await(RoomCall call) {
  awaited_ = call;
  answered_.reset();
  loop_.refresh_now();
  go();
  while (!answered_) loop_.run_once();
  return *std::exchange(answered_, std::nullopt);
}

void RoomSession::ask(const HttpQuestion& question) {
  request_ = request_text(question, url_.host);
  reader_ = {};
  auto connection = net::dial(loop_, url_.address, url_.tls ? &*url_.tls : nullptr, url_.name);
  if (!connection) return client_.handle_failure(loop_.now(), connection.error().message);
  connection_ = std::move(*connection);
  give_up_at_ = loop_.now() + kAnswerDeadline;
  connection_->start({net::Callback<>::to<&RoomSession::handle_open>(this),
                      net::Callback<Bytes>::to<&RoomSession::handle_bytes>(this),
                      net::Callback<net::CloseReason>::to<&RoomSession::handle_closed>(this)});
}

void RoomSession::handle_open() {
  // A stream that was just opened takes a megabyte; a refusal shows as its end.
  static_cast<void>(connection_->write(as_bytes(request_)));
}

void RoomSession::handle_bytes(Bytes bytes) { finish(reader_.handle_bytes(bytes)); }

void RoomSession::handle_closed(net::CloseReason reason) {
  if (reason == net::CloseReason::kError) return fail_question(connection_->error());
  finish(reader_.handle_end());
}

void RoomSession::finish(HttpAnswerReader::State state) {
  if (state == HttpAnswerReader::State::kMore) return;
  if (state == HttpAnswerReader::State::kBroken) {
    return fail_question("this is no answer of a room service");
  }
  connection_.reset();
  give_up_at_ = kNever;
  client_.handle_answer(loop_.now(), reader_.answer());
  go();
}

void RoomSession::fail_question(const std::string& why) {
  const std::string text =
      std::string{"room service "} + (url_.tls ? "https://" : "http://") + url_.host + ": " + why;
  connection_.reset();
  give_up_at_ = kNever;
  client_.handle_failure(loop_.now(), text);
  go();
}

void RoomSession::handle_due() {
  if (loop_.now() >= give_up_at_) return fail_question("no answer within 5 s");
  client_.handle_timeout(loop_.now());
  go();
}

}  // namespace sluice::client
