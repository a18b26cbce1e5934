// Sequences of operations on a jitter buffer: parts of a real stream in any order, once more, late
// or never, parts that nobody pushed, skips, other renditions, time that passes, round trips of any
// length. As long as nobody lied, what leaves is what was pushed, in order, each frame behind what
// it depends on; and whatever happens, the delay keeps to its bounds, memory to its limit, and no
// deadline stands still.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "client/jitter_buffer.h"
#include "proto/base/check.h"
#include "tests/unit/client/pushed.h"

namespace sluice::client {
namespace {

constexpr TrackId kTracks[] = {TrackId{1}, TrackId{2}, TrackId{3}};
constexpr std::size_t kMemoryMax = 4'000'000;

/// A part of the pushed stream.
struct Part {
  std::size_t track = 0;
  std::vector<std::byte> bytes;
};

class Run {
 public:
  explicit Run(Reader& input)
      : input_(input),
        config_(config_of(input.u8())),
        buffer_(config_),
        pushed_{{kTracks[0], TrackKind::kAudio, Seq{input.u24()}},
                {kTracks[1], TrackKind::kVideo, Seq{input.u24()}}},
        dts_ms_(input.u32()) {
    buffer_.add_track(kTracks[0], TrackKind::kAudio);
    buffer_.add_track(kTracks[1], TrackKind::kVideo);
    buffer_.add_track(kTracks[2], TrackKind::kVideo);  // another rendition, of inventions alone
  }

  void go() {
    while (input_.remaining() > 0) {
      step();
      take();
      check();
    }
    run_out();
  }

 private:
  static JitterBuffer::Config config_of(std::uint8_t choice) {
    if (choice % 3 == 0) return {};
    if (choice % 3 == 1) return {PlayMode::kPlayOut, std::chrono::milliseconds{choice}};
    return {PlayMode::kPlayOut, kPatience, PlayOutDelay::Bounds{}};
  }

  void step() {
    const std::uint8_t what = input_.u8();
    switch (what % 8) {
      case 0:
      case 1:
        return push(what);
      case 2:
      case 3:
        return arrive(0);
      case 4:
        return arrive(input_.u8());
      case 5:
        now_ += Duration{input_.u16() * (what < 128 ? 1 : 50)};
        return;
      case 6:
        return invented();
      default:
        return other(what);
    }
  }

  void push(std::uint8_t what) {
    const std::size_t track = what / 8 % 2;
    dts_ms_ += what / 16;
    const bool keyframe = track == 1 && (what >= 240 || frames_++ == 0);
    const std::size_t bytes = 1 + input_.u8() * (keyframe ? 64U : 12U);
    const PushedFrame frame = pushed_[track].frame(dts_ms_, keyframe, bytes, what % 16 == 8);
    for (const auto& part : frame.parts) under_way_.push_back({track, part});
    if (under_way_.size() > 512) under_way_.erase(under_way_.begin(), under_way_.begin() + 256);
  }

  /// The part at `index` of those under way; some come a second time later on.
  void arrive(std::size_t index) {
    if (under_way_.empty()) return;
    const auto at = under_way_.begin() + static_cast<std::ptrdiff_t>(index % under_way_.size());
    const bool again = index % 16 == 15;
    give(at->track, at->bytes, index % 16 == 14);
    if (!again) under_way_.erase(at);
  }

  void give(std::size_t track, Bytes part, bool revived) {
    static_cast<void>(buffer_.handle_part(now_, kTracks[track], part, revived));
  }

  /// A peer that lies: from here on only the bounds hold.
  void invented() {
    lied_ = true;
    std::vector<std::byte> part(kMediaHeaderBytes);
    const Bytes given = input_.bytes(std::min<std::size_t>(part.size() + 3, input_.remaining()));
    std::copy_n(given.begin(), std::min(given.size(), part.size()), part.begin());
    part.resize(kMediaHeaderBytes + given.size() % 4);
    give(part[0] == std::byte{0} ? 0 : part[0] == std::byte{2} ? 2 : 1, part, false);
  }

  void other(std::uint8_t what) {
    switch (what / 8 % 4) {
      case 0: {
        lied_ = true;  // what is skipped may have been on its way
        const Seq from{input_.u24()};
        return buffer_.handle_skip(now_, kTracks[what / 32 % 2], from, from + input_.u8());
      }
      case 1:
        if (what >= 192) return show(input_.u8() % 4);
        return buffer_.set_round_trip(Duration{input_.u16() * 16});
      case 2:
        while (buffer_.poll_key_request(now_)) continue;
        return;
      default:
        return jump();
    }
  }

  /// One of the renditions, one that there is not, or none. What is held is not counted on any
  /// more.
  void show(std::uint8_t which) {
    lied_ = true;
    buffer_.show(now_, which == 0 ? std::nullopt : std::optional{TrackId{which}});
  }

  /// As a program does it: to the next deadline.
  void jump() {
    const Instant next = buffer_.next_deadline(now_);
    CHECK(next > now_);
    if (next != kNever) now_ = next;
  }

  void take() {
    while (const auto frame = buffer_.poll_frame(now_)) {
      if (lied_) continue;
      const std::size_t track = frame->track == kTracks[0] ? 0 : 1;
      const auto& body = frame->media.body;
      const auto expected = static_cast<std::byte>(frame->media.timestamp_ms);
      CHECK(std::all_of(body.begin(), body.end(), [&](std::byte b) { return b == expected; }));
      const wire::MediaHeader& header = frame->media.header;
      const Seq first = header.first_seq();
      CHECK(!last_[track] || first.newer_than(*last_[track]));
      last_[track] = header.last_seq();
      if (track == 0) continue;
      left_.insert(header.last_seq().value());
      if (header.keyframe || header.dep == wire::kDependsOnNothing ||
          header.dep == wire::kDependsOnAll) {
        continue;
      }
      CHECK(left_.contains((first - header.dep).value()));
    }
  }

  void check() {
    const auto bounds = buffer_.delay_bounds();
    CHECK(buffer_.play_out_delay() >= bounds.min && buffer_.play_out_delay() <= bounds.max);
    CHECK(buffer_.delay(now_) >= buffer_.play_out_delay() && buffer_.delay(now_) <= bounds.max);
    if (config_.mode == PlayMode::kComplete) return;
    for (const TrackId track : kTracks) {
      CHECK(buffer_.ring(track)->memory_bytes() <= kMemoryMax);
    }
  }

  /// From deadline to deadline the buffer comes to rest.
  void run_out() {
    buffer_.handle_end(now_);
    for (int i = 0; i < 20'000; ++i) {
      take();
      while (buffer_.poll_key_request(now_)) continue;
      if (buffer_.drained(now_)) return;
      jump();
    }
    CHECK(false);
  }

  Reader& input_;
  JitterBuffer::Config config_;
  JitterBuffer buffer_;
  PushedTrack pushed_[2];
  std::uint32_t dts_ms_;
  std::uint32_t frames_ = 0;
  std::vector<Part> under_way_;
  std::optional<Seq> last_[2];
  std::set<std::uint32_t> left_;
  Instant now_{std::chrono::seconds{1000}};
  bool lied_ = false;
};

}  // namespace
}  // namespace sluice::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // libFuzzer's interface; the bytes are ours from here on.
  sluice::Reader input{std::as_bytes(std::span{data, size})};
  sluice::client::Run{input}.go();
  return 0;
}
