#include "client/media_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>

namespace sluice::client {
namespace {

/// One read: a second of 500 kbit/s. Larger gains nothing on pipes, which hold 64 KiB.
constexpr std::size_t kChunkBytes = 64U << 10U;

/// A pipe whose header promises a track that does not come is taken as it is after this much media.
constexpr std::uint32_t kHeaderPatienceMs = 1000;

Unexpected<Error> system_error(const std::string& name, const char* what, int number) {
  return fail(ExitCode::kEnvironment, name + ": " + what + ": " + std::strerror(number));
}

/// What a looped track adds to the timestamps: its length and one mean frame.
std::uint32_t track_span(const SourceTrack& track) {
  if (track.frames < 2) return track.last_ms - track.first_ms + 1;
  const std::uint64_t length = track.last_ms - track.first_ms;
  return static_cast<std::uint32_t>(length +
                                    (length + (track.frames - 1) / 2) / (track.frames - 1));
}

TrackId track_id_of(TrackKind kind) { return TrackId{static_cast<std::uint8_t>(kind)}; }

}  // namespace

Result<std::unique_ptr<MediaSource>, Error> MediaSource::open(const std::string& path, bool loop) {
  const bool is_stdin = path == "-";
  auto source = std::make_unique<MediaSource>(is_stdin ? "stdin" : path, loop);
  if (is_stdin) {
    // Polling makes a descriptor non-blocking, for all who share it; so it shall be one of our own,
    // where it can be opened again.
    source->owned_fd_ = net::Fd{::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    source->fd_ = source->owned_fd_.valid() ? source->owned_fd_.get() : STDIN_FILENO;
  } else {
    source->owned_fd_ = net::Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!source->owned_fd_.valid()) {
      return fail(ExitCode::kBadInput, path + ": cannot open: " + std::strerror(errno));
    }
    source->fd_ = source->owned_fd_.get();
  }

  struct stat info {};

  if (::fstat(source->fd_, &info) != 0) return system_error(source->name_, "cannot read", errno);
  if (S_ISDIR(info.st_mode)) {
    return fail(ExitCode::kBadInput, path + ": a directory, not an FLV file");
  }
  // /dev/null is neither: it cannot be waited for and is read like a file.
  source->is_pipe_ =
      !S_ISREG(info.st_mode) && !(S_ISCHR(info.st_mode) && ::isatty(source->fd_) == 0);
  if (source->is_pipe_ && loop) {
    return fail(ExitCode::kBadInput, source->name_ + ": a pipe cannot be looped; give a file");
  }
  if (source->is_pipe_) return source;
  return checked(std::move(source));
}

Result<std::unique_ptr<MediaSource>, Error> MediaSource::of_bytes(std::string name,
                                                                  std::vector<std::byte> bytes,
                                                                  bool loop) {
  auto source = std::make_unique<MediaSource>(std::move(name), loop);
  source->memory_ = std::move(bytes);
  return checked(std::move(source));
}

Result<std::unique_ptr<MediaSource>, Error> MediaSource::checked(
    std::unique_ptr<MediaSource> source) {
  if (const auto scanned = source->scan(); !scanned) return Unexpected{scanned.error()};
  return source;
}

Status<Error> MediaSource::scan() {
  for (;;) {
    const auto frame = demuxer_.next();
    if (!frame) return Unexpected{frame.error()};
    if (frame->has_value()) continue;
    const auto read = read_chunk();
    if (!read) return Unexpected{read.error()};
    if (*read == 0) break;
  }
  if (const auto ended = demuxer_.end(); !ended) return ended;
  if (const auto learnt = learn_headers(); !learnt) return learnt;
  for (const SourceTrack& track : tracks_) {
    loop_span_ms_ = std::max(loop_span_ms_, track_span(track));
  }
  return rewind();
}

/// Takes a file's or pipe's tracks over as they stand now.
Status<Error> MediaSource::learn_headers() {
  for (const TrackKind kind : {TrackKind::kAudio, TrackKind::kVideo, TrackKind::kData}) {
    const SourceTrack* track = demuxer_.track(kind);
    if (track == nullptr) continue;
    const bool has_metadata = kind == TrackKind::kData && !track->config.empty();
    if (track->frames > 0 || has_metadata) tracks_.push_back(*track);
  }
  headers_known_ = true;
  return Done{};
}

Result<std::size_t, Error> MediaSource::read_chunk() {
  if (fd_ < 0) {
    const std::size_t size = std::min(kChunkBytes, memory_.size() - memory_offset_);
    demuxer_.feed(Bytes{memory_}.subspan(memory_offset_, size));
    memory_offset_ += size;
    return size;
  }
  chunk_.resize(kChunkBytes);
  const ssize_t size = ::read(fd_, chunk_.data(), chunk_.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::size_t{1};  // asked again later
  if (size < 0) return system_error(name_, "cannot read", errno);
  demuxer_.feed(Bytes{chunk_}.first(static_cast<std::size_t>(size)));
  return static_cast<std::size_t>(size);
}

Status<Error> MediaSource::rewind() {
  demuxer_ = FlvDemuxer{name_};
  memory_offset_ = 0;
  if (fd_ >= 0 && ::lseek(fd_, 0, SEEK_SET) != 0) return system_error(name_, "cannot seek", errno);
  return Done{};
}

Status<Error> MediaSource::read_some() {
  if (input_ended_) return Done{};
  const auto read = read_chunk();
  if (!read) return Unexpected{read.error()};
  input_ended_ = *read == 0;
  while (!headers_known_) {
    const auto frame = demuxer_.next();
    if (!frame) return Unexpected{frame.error()};
    if (!frame->has_value()) break;
    const SourceFrame& got = **frame;
    held_.push_back(
        {got, {got.config.begin(), got.config.end()}, {got.body.begin(), got.body.end()}});
    const std::uint32_t seen_ms = got.timestamp_ms - held_.front().frame.timestamp_ms;
    const bool patient = seen_ms < kHeaderPatienceMs || seen_ms > UINT32_MAX / 2;
    if (demuxer_.promise_kept() || (demuxer_.any_frame() && !patient)) {
      if (const auto learnt = learn_headers(); !learnt) return learnt;
    }
  }
  if (!input_ended_ || headers_known_) return Done{};
  if (const auto ended = demuxer_.end(); !ended) return ended;
  return learn_headers();
}

std::vector<wire::TrackDescription> MediaSource::tracks() const {
  std::vector<wire::TrackDescription> result;
  for (const SourceTrack& track : tracks_) {
    result.push_back({.id = track_id_of(track.kind),
                      .kind = track.kind,
                      .codec = track.codec,
                      .config = track.config});
  }
  return result;
}

bool MediaSource::data_is_metadata_only() const {
  return std::any_of(tracks_.begin(), tracks_.end(), [](const SourceTrack& track) {
    return track.kind == TrackKind::kData && track.frames == 0;
  });
}

Result<MediaSource::Step, Error> MediaSource::next() {
  if (is_pipe_) return next_of_pipe();
  for (;;) {
    const auto frame = demuxer_.next();
    if (!frame) return Unexpected{frame.error()};
    if (frame->has_value()) return shifted(**frame);
    const auto read = read_chunk();
    if (!read) return Unexpected{read.error()};
    if (*read > 0) continue;
    // The file was whole when it was scanned; it may have been cut since.
    if (const auto ended = demuxer_.end(); !ended) return Unexpected{ended.error()};
    if (!loop_) return Step{};
    loop_offset_ms_ += loop_span_ms_;
    if (const auto again = rewind(); !again) return Unexpected{again.error()};
  }
}

Result<MediaSource::Step, Error> MediaSource::next_of_pipe() {
  if (!held_.empty()) {
    given_ = std::move(held_.front());
    held_.pop_front();
    given_->frame.config = given_->config;
    given_->frame.body = given_->body;
    return Step{State::kFrame, given_->frame};
  }
  const auto frame = demuxer_.next();
  if (!frame) return Unexpected{frame.error()};
  if (frame->has_value()) return Step{State::kFrame, **frame};
  if (!input_ended_) return Step{State::kNeedsRead, {}};
  if (const auto ended = demuxer_.end(); !ended) return Unexpected{ended.error()};
  return Step{};
}

MediaSource::Step MediaSource::shifted(SourceFrame frame) const {
  frame.timestamp_ms += loop_offset_ms_;
  return {State::kFrame, frame};
}

}  // namespace sluice::client
