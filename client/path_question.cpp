#include "client/path_question.h"

namespace sluice::client {

Bytes PathQuestion::poll_transmit(Instant now) {
  if (next_ == kBoth) {
    if (now < due_) return {};
    next_ = 0;
    due_ = now + kQuestionEvery;
  }
  const std::size_t index = next_++;
  ask(index);
  return Bytes{datagram_}.first(kBytes[index]);
}

// The same ids in each round: an answer that comes late is one, too.
void PathQuestion::ask(std::size_t index) {
  random_(datagram_);
  while (asked_[index] == ConnectionId{0}) {
    asked_[index] = ConnectionId{random_.u64() >> 16U};
  }
  const wire::DataHeader header{.connection = asked_[index],
                                .number_low = static_cast<std::uint32_t>(random_.below(1U << 24U))};
  wire::write_data_header(header, wire::Direction::kToRelay, datagram_);
}

bool PathQuestion::handle_datagram(Bytes datagram) {
  const auto type = wire::classify(datagram, wire::Direction::kFromRelay);
  if (!type || *type != wire::PacketType::kReset) return false;
  const ConnectionId of = wire::read_reset(datagram).connection;
  for (std::size_t i = 0; i < kBoth; ++i) {
    if (asked_[i] != of || of == ConnectionId{0}) continue;
    answered_[i] = true;
    return true;
  }
  return false;
}

PathQuestion::Finding PathQuestion::finding() const {
  if (answered_[1]) return Finding::kReachable;
  return answered_[0] ? Finding::kSmallOnly : Finding::kNothing;
}

}  // namespace sluice::client
