// Sequences of operations on a solver: honest repairs over random windows, parts that arrive, lies
// of every kind, time that passes. As long as nobody lied, what is revived is what was sent; and
// whatever happens, what is revived can be a part, and the solver's books stay within their bounds.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/packet_ring.h"
#include "proto/fec/encoder.h"
#include "proto/fec/repair_solver.h"
#include "proto/wire/fragment.h"
#include "proto/wire/frame.h"

namespace sluice::fec {
namespace {

constexpr TrackId kTrack{3};
constexpr std::uint32_t kParts = 320;

/// The sender's parts, small ones, so that an input of some hundred bytes does much.
class Sender {
 public:
  explicit Sender(Seq first) : first_(first), fragmenter_(kTrack, first) {
    for (std::size_t i = 0; part_count() < kParts; ++i) {
      // Mostly single small parts; now and then a frame of several.
      const std::size_t bytes = i % 16 == 0 ? 3000 : 1 + (i * 7) % 40;
      const std::vector<std::byte> body(bytes, static_cast<std::byte>(i));
      wire::MediaFrame frame;
      frame.timestamp_ms = static_cast<std::uint32_t>(i);
      frame.body = body;
      CHECK(fragmenter_
                .write(frame, [&](const wire::MediaHeader& header,
                                  Bytes part) { ring.insert(header.seq, part, first_); })
                .has_value());
    }
  }

  std::uint32_t part_count() const {
    return static_cast<std::uint32_t>(fragmenter_.next_seq().distance_from(first_));
  }

  Seq first() const { return first_; }

  PacketRing ring{512};

 private:
  Seq first_;
  wire::Fragmenter fragmenter_;
};

class Run {
 public:
  explicit Run(Reader& input) : input_(input), sender_(sender(input.u8())) {}

  void go() {
    while (input_.remaining() > 0) {
      step();
      take();
      check_books();
    }
  }

 private:
  /// Made once: an input costs what it does, not what making parts does.
  static const Sender& sender(std::uint8_t which) {
    static const std::array<Sender, 3> kSenders{Sender{Seq{0}}, Sender{Seq{77}},
                                                Sender{Seq{Seq::kModulus - 16}}};
    return kSenders[which % kSenders.size()];
  }

  void step() {
    switch (input_.u8() % 8) {
      case 0:
      case 1:
        return arrive();
      case 2:
      case 3:
      case 4:
        return repair(false);
      case 5:
        return repair(true);
      case 6:
        return invented();
      case 7:
        return solver_.forget_before(sender_.first() + input_.u16() % kParts);
    }
  }

  /// A row of parts; some only by name, as when the owner stores them later.
  void arrive() {
    const std::uint32_t from = input_.u16() % kParts;
    const std::uint8_t how = input_.u8();
    for (std::uint32_t i = from; i < std::min(kParts, from + how % 64); ++i) {
      const Seq seq = sender_.first() + i;
      if ((how & 0x80U) != 0) solver_.on_part(seq);
      received_.insert(seq, sender_.ring.find(seq), sender_.first());
      if ((how & 0x40U) != 0) solver_.on_part(seq);
    }
  }

  /// As a sender makes it; a lie has a byte of it changed.
  void repair(bool lie) {
    const std::uint32_t from = input_.u16() % kParts;
    const std::uint32_t span = 1 + input_.u8() % std::min<std::uint32_t>(256, kParts - from);
    const std::uint16_t seed = input_.u8();
    std::vector<std::byte> bitmap;
    if (span <= 80 && (seed & 1U) != 0) {
      const Bytes bits = input_.bytes(std::min<std::size_t>((span + 7) / 8, input_.remaining()));
      bitmap.assign(bits.begin(), bits.end());
    }
    const RepairWindow window{sender_.first() + from, static_cast<std::uint16_t>(span), bitmap};
    if (!is_well_formed(window)) {
      const std::array<std::byte, 40> bytes{};
      CHECK(!solver_.on_repair({window, seed, bytes}).has_value());
      return;
    }
    std::array<std::byte, kCodedBytesMax> coded{};
    const auto bytes = encode_repair(sender_.ring, window, seed, coded);
    CHECK(bytes.has_value());
    std::size_t size = bytes.value().size();
    if (lie) {
      lied_ = true;
      coded[input_.u16() % coded.size()] ^= std::byte{input_.u8()};
      size = input_.u16() % (kCodedBytesMax + 2);
    }
    const Bytes sent = Bytes{coded}.first(std::min(size, coded.size()));
    const bool used = solver_.on_repair({window, seed, sent}).has_value();
    CHECK(lie || !used || size > kCodedFieldsBytes);
  }

  /// Anything at all.
  void invented() {
    lied_ = true;
    RepairWindow window{Seq{input_.u24()}, input_.u16(), {}};
    window.bitmap = input_.bytes(std::min<std::size_t>(input_.u8() % 12, input_.remaining()));
    const std::uint16_t seed = input_.u16();
    const Bytes coded = input_.bytes(std::min<std::size_t>(input_.u8(), input_.remaining()));
    static_cast<void>(solver_.on_repair({window, seed, coded}));
  }

  void take() {
    std::size_t taken = 0;
    while (const auto revived = solver_.poll_revived()) {
      CHECK(++taken <= kEquationsMax);
      const auto part = wire::read_ring_part(revived->part);
      CHECK(part.has_value());
      CHECK(part->header.seq == revived->seq && part->header.track == kTrack);
      CHECK(received_.find(revived->seq).empty());
      if (!lied_) {
        const Bytes original = sender_.ring.find(revived->seq);
        CHECK(std::equal(original.begin(), original.end(), revived->part.begin(),
                         revived->part.end()));
      }
      received_.insert(revived->seq, revived->part, sender_.first());
    }
  }

  void check_books() const {
    CHECK(solver_.open_equations() <= kEquationsMax);
    CHECK(lied_ || solver_.counts().implausible == 0);
  }

  Reader& input_;
  const Sender& sender_;
  PacketRing received_{512};
  RepairSolver solver_{kTrack, received_};
  bool lied_ = false;
};

}  // namespace
}  // namespace sluice::fec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::Reader input{std::as_bytes(std::span{data, size})};
  sluice::fec::Run{input}.go();
  return 0;
}
