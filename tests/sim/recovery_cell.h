// RecoveryCell: one link that carries a stream of pictures over an impaired path to a receiver that
// plays each at its base + dts + B, and the figures that come of it: frames not whole in time, and
// what the bytes were spent on. Two links only, no relay: how well a link recovers by itself.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "proto/link/link.h"
#include "sim/net.h"
#include "sim/xoshiro.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::sim {

/// 2 Mbit/s, 30 pictures a second, a key frame of eight times the size every 2 s.
struct RecoveryCellConfig {
  ImpairmentConfig path;  // both ways
  Duration budget = std::chrono::milliseconds{250};
  Duration time = std::chrono::minutes{1};  // counted
  std::uint64_t seed = 1;
  std::uint64_t bits_per_s = 2'000'000;
  std::uint64_t pacer_bits_per_s = 20'000'000;  // 10 x media
  bool audio = false;                           // 50 blocks a second of 160 bytes
  Duration begins = std::chrono::seconds{2};    // of counting, from the first frame
};

struct RecoveryFigures {
  std::uint64_t frames = 0, frames_missed = 0;
  std::uint64_t key_frames = 0, key_frames_missed = 0;
  std::uint64_t audio_frames = 0, audio_frames_missed = 0;
  std::uint64_t media_bytes = 0;
  link::LinkStats sender, receiver;  // of the time that counts: byte sums only
  std::uint64_t altered = 0, given_up = 0;

  double missed_ratio() const { return ratio(frames_missed, frames); }

  double key_missed_ratio() const { return ratio(key_frames_missed, key_frames); }

  double overhead() const { return ratio(sender.bytes_sent, media_bytes) - 1; }

  double feedback_ratio() const { return ratio(receiver.bytes_sent, media_bytes); }

  static double ratio(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

class RecoveryCell {
 public:
  explicit RecoveryCell(const RecoveryCellConfig& config);
  ~RecoveryCell();

  RecoveryFigures run();

 private:
  struct Frame {
    Seq first;
    std::uint16_t count = 0, received = 0;
    bool key = false, counted = false;
    Instant deadline{};  // at the receiver
    Instant whole_at = kNever;
  };

  struct Track {
    explicit Track(TrackId egress) : id(egress) { source.keep_all = true; }

    TrackId id;
    link::TestTrack source{TrackId{9}, Seq{Seq::kModulus - 900}};  // the numbers wrap under way
    PacketRing arrived;
    std::deque<Frame> frames;  // sent, not judged yet
    Seq oldest_open = source.first;
  };

  class End;

  void push(Instant now, Track& track, std::size_t bytes, bool key);
  void receive(Instant now, const link::MediaArrived& media);
  void report(Instant now);
  void judge(Instant now, Track& track);

  Track& track_of(TrackId id) { return id == video_.id ? video_ : audio_; }

  RecoveryCellConfig config_;
  RecoveryFigures figures_;
  Xoshiro random_;
  Track video_{TrackId{0}};
  Track audio_{TrackId{1}};
  std::unique_ptr<End> sender_, receiver_;
  SimNet net_;
  Instant counted_from_{}, counted_to_{};
};

}  // namespace sluice::sim
