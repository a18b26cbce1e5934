// MediaSource: where a pusher's frames come from, an FLV file or a pipe. A file is read through
// once before anything is sent, so that bad input sends nothing; a pipe is read until its headers
// are known, and a fault behind them ends it after what came before. It never blocks on a pipe: the
// owner polls fd() and calls read_some(). A looped file continues its timestamps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/error.h"
#include "client/flv_demuxer.h"
#include "net/socket.h"
#include "proto/wire/room_message.h"

namespace sluice::client {

class MediaSource {
 public:
  enum class State : std::uint8_t {
    kFrame,      // there was one
    kNeedsRead,  // a pipe: poll fd() and call read_some()
    kEnded,
  };

  /// For open() and of_bytes() alone.
  MediaSource(std::string name, bool loop) : name_(std::move(name)), loop_(loop), demuxer_(name_) {}

  struct Step {
    State state = State::kEnded;
    SourceFrame frame;  // of kFrame: valid until the next call
  };

  /// `path`, or "-" for stdin; a stdin that is a regular file is a file. Errors: kBadInput for what
  /// a file holds, kEnvironment for one that cannot be opened or read.
  static Result<std::unique_ptr<MediaSource>, Error> open(const std::string& path, bool loop);

  /// Of memory, for tests and for programs that make their own FLV.
  static Result<std::unique_ptr<MediaSource>, Error> of_bytes(std::string name,
                                                              std::vector<std::byte> bytes,
                                                              bool loop);

  bool is_pipe() const { return is_pipe_; }

  /// What a loop adds to the timestamps of a file: its length, or that of another it stays with.
  std::uint32_t loop_span_ms() const { return loop_span_ms_; }

  void set_loop_span_ms(std::uint32_t span_ms) { loop_span_ms_ = span_ms; }

  int fd() const { return fd_; }

  /// True when the tracks are known and next() may be called. At once for a file.
  bool headers_known() const { return headers_known_; }

  /// A pipe that poll() calls readable: one read. At its end, next() drains what is left.
  Status<Error> read_some();

  /// The tracks as PUSH names them: ids 1, 2, 3 for audio, video, data. Valid once headers_known().
  std::vector<wire::TrackDescription> tracks() const;

  /// There is a data track for the sake of its configuration alone, as far as was read.
  bool data_is_metadata_only() const;

  /// Errors: kBadInput, also in mid-stream of a pipe; kEnvironment.
  Result<Step, Error> next();

 private:
  static Result<std::unique_ptr<MediaSource>, Error> checked(std::unique_ptr<MediaSource> source);
  Status<Error> scan();
  Result<std::size_t, Error> read_chunk();
  Status<Error> rewind();
  Status<Error> learn_headers();
  Result<Step, Error> next_of_pipe();
  Step shifted(SourceFrame frame) const;

  /// A frame read from a pipe while its headers were still unknown.
  struct Held {
    SourceFrame frame;
    std::vector<std::byte> config, body;
  };

  std::string name_;
  bool loop_ = false;
  bool is_pipe_ = false;
  bool headers_known_ = false;
  bool input_ended_ = false;
  int fd_ = -1;
  net::Fd owned_fd_;
  std::vector<std::byte> memory_;
  std::size_t memory_offset_ = 0;
  std::vector<std::byte> chunk_;
  FlvDemuxer demuxer_;
  std::vector<SourceTrack> tracks_;
  std::deque<Held> held_;
  std::optional<Held> given_;
  std::uint32_t loop_offset_ms_ = 0, loop_span_ms_ = 0;
};

}  // namespace sluice::client
