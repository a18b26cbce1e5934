// Sequences of operations on a Controller: packets sent, feedback honest and lying, timeouts at the
// deadline or whenever, demands. Whatever comes, the target stays within its bounds, no figure is
// beyond what a path can be, and a deadline that was served lies ahead.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/congestion/arrival_clock.h"
#include "proto/congestion/controller.h"

namespace sluice::congestion {
namespace {

constexpr std::uint64_t kMin = 100'000, kMax = 50'000'000;

class World {
 public:
  explicit World(Bytes operations) : reader_(operations) {}

  void run() {
    while (reader_.remaining() >= 4) {
      step(reader_.u8());
      check();
    }
  }

 private:
  void step(std::uint8_t kind) {
    switch (kind % 8) {
      case 0:
      case 1:
        now_ += Duration{reader_.u16()};
        send(1 + kind % 16);
        return;
      case 2:
        feedback(1 + kind % 32, true);
        return;
      case 3:
        feedback(1 + kind % 32, false);
        return;
      case 4:
        now_ =
            std::max(now_, std::min(controller_.next_deadline(), now_ + std::chrono::seconds{5}));
        controller_.handle_timeout(now_);
        CHECK(controller_.next_deadline() > now_);
        return;
      case 5:
        now_ += Duration{std::int64_t{reader_.u16()} * 1000};
        return;
      case 6:
        controller_.want_more(std::uint64_t{reader_.u16()} << (kind % 32));
        return;
      default:
        controller_.set_useful(std::uint64_t{reader_.u16()} << (kind % 32));
        return;
    }
  }

  void send(int packets) {
    for (int i = 0; i < packets; ++i) {
      const ProbeId probe = controller_.probe() ? controller_.probe()->id : kNoProbe;
      controller_.on_sent(now_, {next_}, 1200, probe);
      sent_[next_ % sent_.size()] = {
          .number = {next_}, .sent_at = now_, .bytes = 1200, .probe = probe};
      ++next_;
    }
  }

  void feedback(std::uint64_t count, bool honest) {
    std::array<PacketResult, 32> results{};
    const std::uint64_t first = next_ > count ? next_ - count : 0;
    const std::uint16_t salt = reader_.u16();
    for (std::uint64_t i = 0; i < count; ++i) {
      PacketResult& result = results[i];
      result = sent_[(first + i) % sent_.size()];
      result.lost = ((salt >> (i % 16)) & 1U) != 0;
      if (!result.lost) result.arrival = Duration{to_us(result.sent_at) + salt * 7 / 250 * 250};
      if (!honest) lie(result, salt + static_cast<std::uint32_t>(i));
    }
    const Duration rtt{honest ? salt : std::int64_t{salt} << 40U};
    controller_.on_feedback(now_, std::span{results}.first(count), {rtt, rtt, salt});
  }

  void lie(PacketResult& result, std::uint32_t salt) const {
    static constexpr std::int64_t kLies[] = {INT64_MIN,         INT64_MAX,    -1, 0,
                                             1'000'000'000'000, -500'000'000, 77};
    result.arrival = Duration{kLies[salt % 7]};
    if (salt % 3 == 0) result.bytes = UINT32_MAX;
    if (salt % 5 == 0) result.number.value = UINT64_MAX - salt;
    if (salt % 11 == 0) result.probe = salt;
  }

  void check() const {
    CHECK(controller_.target_bits_per_s() >= kMin && controller_.target_bits_per_s() <= kMax);
    CHECK(controller_.loss() >= 0 && controller_.loss() <= 1);
    CHECK(controller_.loss_floor() >= 0 && controller_.loss_floor() <= 1);
    CHECK(controller_.queue_delay() >= Duration{0});
    CHECK(controller_.pacing_bits_per_s(1'000'000, 1'000'000) > 0);
    CHECK(controller_.delivered_bits_per_s() <= 1'000'000'000'000'000);
  }

  Reader reader_;
  Instant now_ = instant_from_us(1'000'000);
  Controller controller_{{.min_bits_per_s = kMin, .max_bits_per_s = kMax}, now_};
  std::array<PacketResult, 256> sent_{};
  std::uint64_t next_ = 0;
};

/// The same bytes as receive times.
void tell_times(Bytes bytes) {
  ArrivalClock clock;
  Reader reader{bytes};
  Instant now{};
  while (reader.remaining() >= 6) {
    now += Duration{reader.u16()};
    const std::uint64_t highest = reader.u16();
    clock.begin(now, Duration{reader.u8()}, {highest});
    for (std::uint64_t i = 1; i <= 70 && i <= highest && reader.remaining() >= 4; ++i) {
      clock.add({highest - i}, static_cast<std::int32_t>(reader.u32()));
    }
    clock.finish();
    static_cast<void>(clock.arrival_of({highest}));
  }
}

}  // namespace
}  // namespace sluice::congestion

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::Bytes bytes = std::as_bytes(std::span{data, size});
  sluice::congestion::World{bytes}.run();
  sluice::congestion::tell_times(bytes);
  return 0;
}
