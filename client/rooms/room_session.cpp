#include "client/rooms/room_session.h"

#include <algorithm>
#include <utility>

#include "net/address.h"

namespace sluice::client {

Result<RoomUrl, Error> parse_room_url(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (url.compare(0, kScheme.size(), kScheme) != 0) {
    return fail(ExitCode::kBadInput,
                url + ": a room service is http://HOST[:PORT]; this client does not speak https");
  }
  std::string host = url.substr(kScheme.size());
  while (!host.empty() && host.back() == '/') host.pop_back();
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  const auto parsed = net::parse_host_port(has_port ? host : host + ":80");
  if (!parsed || parsed->host.empty() || host.find('/') != std::string::npos) {
    return fail(ExitCode::kBadInput, url + ": a room service is http://HOST[:PORT]");
  }
  const auto addresses = net::resolve_blocking(*parsed);
  if (!addresses) return fail(ExitCode::kUnreachable, addresses.error().message);
  return RoomUrl{std::move(host), addresses->front()};
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
  auto connection = net::TcpConnection::connect(loop_, url_.address);
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
  const std::string text = "room service http://" + url_.host + ": " + why;
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
