#include "proto/schema/values.h"

#include <algorithm>
#include <string_view>

#include "proto/base/limits.h"
#include "proto/base/utf8.h"

namespace sluice::schema {
namespace {

/// Bits of P-TICKET-01: push audio, video, data, subscribe, control, record, hidden.
constexpr std::uint16_t kRightsKnown = 0x7F;

constexpr std::uint32_t kPartsPerMillion = 1'000'000;

/// UTF-8 without control characters: fit for a log line, a terminal and JSON.
bool is_text(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character || character->code < 0x20 || character->code == 0x7F) return false;
    text.remove_prefix(character->bytes);
  }
  return true;
}

/// Collects the first complaint.
class Check {
 public:
  void that(bool fine, std::string_view field, std::string_view wrong) {
    if (fine || error_) return;
    error_.emplace(field).append(": ").append(wrong);
  }

  template <std::size_t N>
  void name(const Name<N>& name, std::string_view field) {
    that(!name.empty(), field, "missing");
  }

  void text(std::string_view text, std::string_view field) {
    that(text.size() <= kTextBytesMax, field, "longer than 2048 bytes");
    that(is_text(text), field, "not UTF-8 text without control characters");
  }

  void rights(std::uint16_t rights) {
    that((rights & ~kRightsKnown) == 0, "rights", "bits beyond the known ones");
  }

  void blob(const std::vector<std::byte>& blob) {
    that(blob.size() <= kBlobBytesMax, "blob", "longer than 1024 bytes");
  }

  void file(std::string_view file) {
    that(!file.empty() && file.size() <= kFileNameBytesMax, "file",
         "missing or longer than 255 bytes");
    that(is_text(file) && file.find('/') == std::string_view::npos && file.substr(0, 1) != ".",
         "file", "not a plain file name");
  }

  std::optional<std::string> error() const { return error_; }

 private:
  std::optional<std::string> error_;
};

void check(Check& c, const Status& m) { c.text(m.text, "text"); }

void check(Check& c, const Hello& m) {
  c.text(m.version, "version");
  c.text(m.address, "address");
}

void check(Check& c, const Attach& m) {
  c.that(m.epoch != 0, "epoch", "missing");
  c.text(m.name, "name");
}

// Any value of these is legal: keys have their size by type, numbers their range.
void check(Check&, const Attached&) {}

void check(Check&, const Resync&) {}

void check(Check&, const Resynced&) {}

void check(Check&, const Drain&) {}

void check(Check&, const ListRooms&) {}

template <class M>
void check_room(Check& c, const M& m) {
  c.name(m.room, "room");
}

void check(Check& c, const OpenRoom& m) { check_room(c, m), c.blob(m.blob); }

void check(Check& c, const CloseRoom& m) { check_room(c, m); }

void check(Check& c, const RoomUp& m) { check_room(c, m), c.blob(m.blob); }

void check(Check& c, const RoomDown& m) { check_room(c, m); }

void check(Check& c, const RoomList& m) {
  c.that(m.rooms.size() <= kPageEntriesMax, "rooms", "more than 48");
  for (const RoomSummary& info : m.rooms) check_room(c, info);
}

template <class M>
void check_user(Check& c, const M& m) {
  c.name(m.room, "room");
  c.name(m.user, "user");
}

void check(Check& c, const Admit& m) { check_user(c, m); }

void check(Check& c, const Kick& m) { check_user(c, m); }

void check(Check& c, const SetRights& m) { check_user(c, m), c.rights(m.rights); }

void check(Check& c, const MemberIn& m) { check_user(c, m), c.rights(m.rights); }

void check(Check& c, const MemberOut& m) { check_user(c, m); }

void check(Check& c, const ListMembers& m) { check_room(c, m); }

void check(Check& c, const MemberList& m) {
  c.that(m.members.size() <= kPageEntriesMax, "members", "more than 48");
  for (const MemberSummary& info : m.members) {
    c.name(info.user, "user");
    c.rights(info.rights);
    c.text(info.address, "address");
    c.that(info.address.size() <= kMaskedAddressBytesMax, "address", "longer than 64 bytes");
    c.that(info.streams.size() <= kMemberStreamsMax, "streams", "more than 8");
    for (const StreamName& stream : info.streams) c.name(stream, "streams");
  }
}

template <class M>
void check_stream(Check& c, const M& m) {
  c.name(m.room, "room");
  c.name(m.stream, "stream");
}

void check(Check& c, const StreamUp& m) {
  check_stream(c, m);
  c.name(m.user, "user");
  c.that(m.tracks.size() <= kTracksPerStreamMax, "tracks", "more than a stream has");
}

void check(Check& c, const StreamDown& m) { check_stream(c, m), c.name(m.user, "user"); }

void check(Check& c, const KeyRequest& m) { check_stream(c, m); }

void check(Check& c, const Quality& m) {
  c.that(m.members.size() <= kQualityEntriesMax, "members", "more than 128");
  for (const MemberQuality& q : m.members) {
    check_user(c, q);
    c.that(q.uplink_loss_ppm <= kPartsPerMillion && q.downlink_loss_ppm <= kPartsPerMillion, "loss",
           "more than everything");
  }
}

void check(Check& c, const Authorize& m) {
  c.text(m.app, "app");
  c.text(m.stream, "stream");
  c.text(m.query, "query");
  c.text(m.address, "address");
}

void check(Check& c, const Authorized& m) { check_user(c, m), c.rights(m.rights); }

void check(Check& c, const StartRecording& m) { check_stream(c, m), c.file(m.file); }

void check(Check& c, const StopRecording& m) { check_stream(c, m); }

void check(Check& c, const RecordingEvent& m) {
  check_stream(c, m);
  c.file(m.file);
  c.text(m.text, "text");
}

void check(Check& c, const IssueTicket& m) { check_user(c, m), c.rights(m.rights); }

void check(Check& c, const IssuedTicket& m) {
  c.text(m.address, "address");
  c.that(!m.address.empty(), "address", "missing");
  c.that(!m.ticket.empty() && m.ticket.size() <= kTicketBytesMax, "ticket", "missing or too long");
}

}  // namespace

std::optional<std::string> value_error(const Message& message) {
  Check c;
  std::visit([&c](const auto& m) { check(c, m); }, message);
  return c.error();
}

}  // namespace sluice::schema
