#include "bench/fanout/floor_sinks.h"

#include <algorithm>

#include "bench/floor/forwarder.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kFeedbackBytesMax = 1200;

}  // namespace

class FloorSinks::Sink {
 public:
  Sink(net::Loop& loop, FloorSinks& all)
      : all_(all),
        socket_(loop, net::Callback<const net::ReceivedBatch&>::to<&Sink::handle_batch>(this)) {}

  Status<Failure> open() {
    net::UdpConfig config;
    config.kernel_stamps = true;
    return socket_.open(Address::v4(127, 0, 0, 1, 0), config);
  }

  Address address() const { return socket_.address(); }

  /// `share`: how much of the way to its first feedback it has behind it, so that not all send at
  /// once.
  void begin(double share) { since_feedback_ = share * all_.feedback_.copies_per_feedback; }

 private:
  void handle_batch(const net::ReceivedBatch& batch) {
    for (const net::ReceivedDatagram& datagram : batch.datagrams) {
      if (datagram.from != all_.forwarder_ || datagram.bytes.size() <= kFloorHeaderBytes) continue;
      const FloorTag tag = FloorTag::read(datagram.bytes.data());
      all_.ledger_.arrived(tag.flow, tag.number, datagram.received_at.value_or(batch.now));
      since_feedback_ += 1;
    }
    if (since_feedback_ < all_.feedback_.copies_per_feedback) return;
    since_feedback_ = 0;
    const std::size_t bytes = std::min(all_.feedback_.bytes, all_.feedback_bytes_.size());
    socket_.send({all_.forwarder_, Bytes{all_.feedback_bytes_}.first(bytes), 0});
    socket_.flush();
  }

  FloorSinks& all_;
  double since_feedback_ = 0;
  net::UdpSocket socket_;
};

FloorSinks::FloorSinks(net::Loop& loop, WindowLedger& ledger)
    : loop_(loop), ledger_(ledger), feedback_bytes_(kFeedbackBytesMax) {
  FloorTag{kFloorFeedback, 0}.write(feedback_bytes_.data());
}

FloorSinks::~FloorSinks() = default;

Status<Failure> FloorSinks::open(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    sinks_.push_back(std::make_unique<Sink>(loop_, *this));
    if (auto opened = sinks_.back()->open(); !opened) return opened;
  }
  return Done{};
}

std::vector<sockaddr_in> FloorSinks::addresses() const {
  std::vector<sockaddr_in> all;
  for (const auto& sink : sinks_) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(sink->address().port);
    all.push_back(address);
  }
  return all;
}

void FloorSinks::begin(const Address& from, const FeedbackTraffic& feedback) {
  forwarder_ = from;
  feedback_ = feedback;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    sinks_[i]->begin(static_cast<double>(i) / static_cast<double>(sinks_.size()));
  }
}

}  // namespace sluice::bench
