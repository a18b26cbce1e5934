// FLV, without I/O. TagReader takes a file or a pipe in whatever pieces it comes and gives tags;
// its errors name the byte offset and what was expected there, because a person will read them. The
// writing side makes header, tag frames and a minimal onMetaData, so that what we write plays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/media.h"
#include "proto/base/result.h"

namespace sluice::flv {

inline constexpr std::size_t kFileHeaderBytes = 9;
inline constexpr std::size_t kTagHeaderBytes = 11;
inline constexpr std::size_t kPreviousTagSizeBytes = 4;

/// The file header says how long it is; none in use is longer than 9. More than this is no FLV.
inline constexpr std::size_t kFileHeaderBytesMax = 1024;

struct Tag {
  RtmpType type = RtmpType::kData;
  std::uint32_t timestamp_ms = 0;
  Bytes body;
  std::uint64_t offset = 0;  // of the tag in the file
};

struct ReadError {
  enum class Reason : std::uint8_t {
    kNotFlv,     // the file header is none
    kBadTag,     // a tag contradicts the format
    kTruncated,  // the input ended inside header or tag
  };

  Reason reason = Reason::kNotFlv;
  std::uint64_t offset = 0;  // where it was noticed
  std::string message;       // one line, with the offset
};

class TagReader {
 public:
  /// Appends the input's next bytes. Invalidates views given before. Memory stays below one tag and
  /// `bytes` when next() is called until it gives nothing.
  void feed(Bytes bytes);

  /// The next whole tag, its trailing size checked; nothing when more bytes are needed. An error is
  /// for good: it is returned again.
  std::optional<Result<Tag, ReadError>> next();

  /// Call at the input's end: kTruncated when it ended inside the header or a tag, kNotFlv when it
  /// was too short to tell, or the error met before.
  Status<ReadError> end() const;

  /// What the file header promises; known once the first call of next() had 9 bytes. Often wrong
  /// for pipes: the tags decide.
  bool promises_audio() const { return (header_flags_ & 4U) != 0; }

  bool promises_video() const { return (header_flags_ & 1U) != 0; }

 private:
  enum class State : std::uint8_t { kFileHeader, kFirstSize, kTag, kFailed };

  Bytes unread() const { return Bytes{buffer_}.subspan(consumed_); }

  std::uint64_t position() const { return base_ + consumed_; }

  bool take_file_header();
  bool take_first_size();
  std::optional<Tag> take_tag();
  /// Fails in the tag at position(), for what was found at `offset`.
  std::nullopt_t fail_tag(std::uint64_t offset, const std::string& what);
  void fail(ReadError::Reason reason, std::uint64_t offset, std::string message);

  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;
  std::uint64_t base_ = 0;  // file offset of buffer_[0]
  State state_ = State::kFileHeader;
  std::uint8_t header_flags_ = 0;
  ReadError error_;
};

/// The file header and the zero size behind it: the first bytes of every file.
std::array<std::byte, kFileHeaderBytes + kPreviousTagSizeBytes> file_header(bool audio, bool video);

/// What goes before and behind a tag's body, for writers that gather.
std::array<std::byte, kTagHeaderBytes> tag_header(RtmpType type, std::uint32_t timestamp_ms,
                                                  std::size_t body_bytes);
std::array<std::byte, kPreviousTagSizeBytes> tag_trailer(std::size_t body_bytes);

/// Appends a whole tag; `body` is shorter than 2^24 bytes.
void append_tag(RtmpType type, std::uint32_t timestamp_ms, Bytes body, std::vector<std::byte>& out);

struct MetadataNumber {
  std::string_view name;
  double value = 0;
};

/// Appends the body of an onMetaData message with these numbers (AMF0, an ECMA array).
void append_metadata_body(std::span<const MetadataNumber> numbers, std::vector<std::byte>& out);

}  // namespace sluice::flv
