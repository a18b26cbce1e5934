#include "rooms/relay_connection.h"

#include <utility>

#include "net/log.h"

namespace sluice::rooms {
namespace {

/// Its members wait for this before they find back to a relay that was restarted; a refused
/// connection costs 50 us, so ten a second cost nothing.
constexpr Duration kRetryInterval = std::chrono::milliseconds{100};

}  // namespace

RelayConnection::RelayConnection(net::Loop& loop, std::string path, std::uint64_t epoch,
                                 RandomSource random, std::function<void()> on_change)
    : loop_(loop),
      path_(std::move(path)),
      epoch_(epoch),
      view_(random),
      on_change_(std::move(on_change)),
      retry_(loop, net::Callback<>::to<&RelayConnection::connect>(this)) {}

void RelayConnection::connect() {
  auto pipe = net::PipeConnection::connect(loop_, path_);
  if (!pipe) return lose(pipe.error().message);
  pipe_ = *std::move(pipe);
  pipe_->start({{},
                net::Callback<Bytes>::to<&RelayConnection::handle_bytes>(this),
                net::Callback<net::CloseReason>::to<&RelayConnection::handle_closed>(this)});
  told_lost_ = false;
  send(view_.handle_connected(epoch_));
}

void RelayConnection::send(Bytes bytes) {
  if (pipe_ == nullptr || bytes.empty()) return;
  if (pipe_->write(bytes) != net::WriteResult::kQueued) lose("it does not read");
}

void RelayConnection::handle_bytes(Bytes bytes) {
  const bool was_ready = view_.ready();
  if (auto handled = view_.handle_bytes(bytes); !handled) lose(handled.error().message);
  if (view_.ready() && !was_ready) {
    LOG(kInfo, "relay_attached",
        {{"control", path_}, {"address", view_.address()}, {"streams", view_.stream_count()}});
  }
  on_change_();
}

void RelayConnection::handle_closed(net::CloseReason reason) {
  const bool failed = reason == net::CloseReason::kError;
  lose(failed ? pipe_->error() : "closed by the relay");
}

void RelayConnection::lose(const std::string& why) {
  pipe_.reset();
  view_.handle_lost();
  if (!told_lost_) LOG(kWarning, "relay_unreachable", {{"control", path_}, {"error", why}});
  told_lost_ = true;
  retry_.arm_in(kRetryInterval);
}

void RelayConnection::order(schema::Message message) {
  if (pipe_ != nullptr && view_.ready()) send(view_.order(std::move(message)));
}

}  // namespace sluice::rooms
