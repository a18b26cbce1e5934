#include "client/control_client.h"

#include <utility>

namespace sluice::client {
namespace {

/// Four times what the relay allows itself for an answer.
constexpr Duration kAnswerDeadline = std::chrono::seconds{2};

ExitCode exit_code_of(schema::StatusCode code) {
  using enum schema::StatusCode;
  switch (code) {
    case kOk:
      return ExitCode::kOk;
    case kMalformed:
    case kUnknownMessage:
    case kNotFound:
      return ExitCode::kBadInput;
    case kNotYet:
    case kNotActive:
    case kBusy:
    case kDraining:
    case kRefused:
      return ExitCode::kRefused;
  }
  return ExitCode::kRefused;
}

}  // namespace

Result<std::unique_ptr<ControlClient>, Error> ControlClient::connect(net::Loop& loop,
                                                                     const std::string& path) {
  auto pipe = net::PipeConnection::connect(loop, path);
  if (!pipe) {
    return fail(ExitCode::kUnreachable,
                pipe.error().message + "; is a relay running there, as this user?");
  }
  auto client = std::make_unique<ControlClient>(loop, path, std::move(*pipe));
  client->pipe_->start(
      {{},
       net::Callback<Bytes>::to<&ControlClient::handle_bytes>(client.get()),
       net::Callback<net::CloseReason>::to<&ControlClient::handle_closed>(client.get())});
  return client;
}

ControlClient::ControlClient(net::Loop& loop, std::string path,
                             std::unique_ptr<net::PipeConnection> pipe)
    : loop_(loop),
      path_(std::move(path)),
      pipe_(std::move(pipe)),
      deadline_(loop, net::Callback<>::to<&ControlClient::handle_deadline>(this)) {}

Result<schema::Message, Error> ControlClient::ask(schema::Message question) {
  const auto framed = caller_.ask(std::move(question));
  if (!framed) return fail(ExitCode::kBadInput, framed.error().message);
  answer_.reset();
  deadline_.arm_in(kAnswerDeadline);
  if (!error_ && pipe_->write(*framed) != net::WriteResult::kQueued) {
    end_with(ExitCode::kUnreachable, "the connection is gone");
  }
  while (!answer_ && !error_) loop_.run_once();
  deadline_.cancel();
  if (!answer_) return Unexpected{*error_};
  if (const auto* status = std::get_if<schema::Status>(&*answer_)) {
    if (status->code != schema::StatusCode::kOk) {
      const std::string name{schema::status_name(status->code)};
      return fail(exit_code_of(status->code),
                  status->text.empty() ? "the relay answered: " + name : status->text);
    }
  }
  return *std::exchange(answer_, std::nullopt);
}

void ControlClient::handle_bytes(Bytes bytes) {
  auto answer = caller_.handle_bytes(bytes);
  if (!answer) return end_with(ExitCode::kUnreachable, answer.error().message);
  if (answer->has_value()) answer_ = std::move(**answer);
}

void ControlClient::handle_closed(net::CloseReason reason) {
  const bool broken = reason == net::CloseReason::kError;
  end_with(ExitCode::kUnreachable,
           broken ? pipe_->error() : "closed by the relay; is it another user's?");
}

void ControlClient::handle_deadline() { end_with(ExitCode::kUnreachable, "no answer within 2 s"); }

void ControlClient::end_with(ExitCode code, const std::string& what) {
  if (!error_) error_ = Error{code, path_ + ": " + what};
}

}  // namespace sluice::client
