#include "rooms/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>

#include "daemon/file.h"
#include "rooms/journal_codec.h"

namespace sluice::rooms {
namespace {

Unexpected<Failure> failed(const std::string& what, const std::string& path) {
  return Unexpected{
      net::system_failure("service.state_folder: cannot " + what + " " + path, errno)};
}

Result<std::string, Failure> read_file(const std::string& path) {
  const net::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.valid() && errno == ENOENT) return std::string{};
  if (!fd.valid()) return failed("read", path);
  std::string text;
  for (;;) {
    char bytes[65536];
    const ssize_t got = ::read(fd.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

/// A file of ours alone, made anew.
Status<Failure> write_file(const std::string& path, std::string_view text) {
  const net::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd.valid() || !daemon::write_all(fd.get(), text) || ::fdatasync(fd.get()) != 0) {
    return failed("write", path);
  }
  return Done{};
}

std::string lines_of(std::span<const Change> changes) {
  std::string text;
  for (const Change& change : changes) text += journal_line(change);
  return text;
}

}  // namespace

Result<Journal::Opened, Failure> Journal::open(const std::string& folder) {
  Journal journal{folder};
  const std::string lock = folder + "/lock";
  journal.lock_.reset(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!journal.lock_.valid()) return failed("make", lock);
  if (::flock(journal.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Unexpected{Failure{"service.state_folder: another room service works in " + folder +
                              "; stop it, or give this one a folder of its own"}};
  }
  auto text = read_file(journal.path());
  if (!text) return Unexpected{text.error()};
  JournalContent content = read_journal(*text);
  if (content.damaged) {
    const auto rest = std::string_view{*text}.substr(content.whole_bytes);
    if (auto kept = write_file(journal.path() + ".damaged", rest); !kept) {
      return Unexpected{kept.error()};
    }
  }
  journal.fd_.reset(
      ::open(journal.path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!journal.fd_.valid()) return failed("write", journal.path());
  journal.bytes_ = content.whole_bytes;
  if (::ftruncate(journal.fd_.get(), static_cast<off_t>(journal.bytes_)) != 0) {
    return failed("cut", journal.path());
  }
  return Opened{std::move(journal), std::move(content.changes), content.cut, content.damaged};
}

Status<Failure> Journal::append(std::span<const Change> changes) {
  if (changes.empty()) return Done{};
  const std::string text = lines_of(changes);
  if (!daemon::write_all(fd_.get(), text)) {
    auto failure = failed("write", path());
    // What was written of it goes again, or it would spoil what follows; a disk that cannot do this
    // either leaves a damaged line, which the next start reports.
    [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(bytes_));
    return failure;
  }
  bytes_ += text.size();
  return Done{};
}

Status<Failure> Journal::write_snapshot(std::span<const Change> changes) {
  const std::string text = lines_of(changes);
  const std::string draft = path() + ".new";
  if (auto written = write_file(draft, text); !written) return written;
  net::Fd fd{::open(draft.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!fd.valid() || std::rename(draft.c_str(), path().c_str()) != 0) {
    return failed("replace", path());
  }
  fd_ = std::move(fd);
  bytes_ = text.size();
  limit_ = std::max<std::uint64_t>(kJournalBytesMin, 4 * bytes_);
  return Done{};
}

}  // namespace sluice::rooms
