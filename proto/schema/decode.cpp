// FlatBuffers to plain structs: verified first, then one read() per message, then the values'
// limits.
#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "envelope_generated.h"
#include "proto/base/limits.h"
#include "proto/schema/control.h"
#include "proto/schema/values.h"

namespace sluice::schema {
namespace {

namespace fb = ::sluice::control;

/// Our deepest message is Envelope > MemberList > MemberSummary, our widest a Quality of 128
/// members. Half would refuse messages of ours; double only lets a peer keep the verifier busy for
/// longer.
constexpr flatbuffers::uoffset_t kVerifyDepthMax = 8;
constexpr flatbuffers::uoffset_t kVerifyTablesMax = 256;

using Text = flatbuffers::String;
using ByteVector = flatbuffers::Vector<std::uint8_t>;

/// Reads fields and keeps the first complaint; after one, what is read does not matter.
class Fields {
 public:
  /// Absent is empty; whether a name may be is for value_error().
  template <std::size_t N>
  void name(const Text* text, std::string_view field, Name<N>& into) {
    if (text == nullptr || text->size() == 0) return;
    if (const auto parsed = Name<N>::parse({text->c_str(), text->size()})) {
      into = *parsed;
    } else {
      complain(field, "not a name of letters, digits, _ and -, or too long");
    }
  }

  std::string text(const Text* text) { return text == nullptr ? std::string{} : text->str(); }

  template <std::size_t N>
  void array(const ByteVector* bytes, std::string_view field, std::array<std::byte, N>& into) {
    if (bytes == nullptr || bytes->size() != N)
      return complain(field, "missing or of the wrong length");
    std::memcpy(into.data(), bytes->data(), N);
  }

  std::vector<std::byte> bytes(const ByteVector* bytes) {
    if (bytes == nullptr) return {};
    std::vector<std::byte> copy(bytes->size());
    if (!copy.empty()) std::memcpy(copy.data(), bytes->data(), copy.size());
    return copy;
  }

  /// Our enums have the numbers of the schema's; `last` is the highest one known.
  template <class To, class From>
  To enumeration(From value, From first, From last, std::string_view field) {
    if (value < first || value > last) complain(field, "a value this version does not know");
    return static_cast<To>(value);
  }

  /// The items of a vector, none when there are more than `max`: entries may share their bytes, so
  /// a small message can name very many.
  template <class Vector, class Item>
  void list(const Vector* vector, std::size_t max, std::string_view field, Item item) {
    if (vector == nullptr) return;
    if (vector->size() > max) return complain(field, "too many entries");
    for (flatbuffers::uoffset_t i = 0; i < vector->size(); ++i) item(*vector->Get(i));
  }

  void complain(std::string_view field, std::string_view wrong) {
    if (error.empty()) error.append(field).append(": ").append(wrong);
  }

  std::string error;
};

InstanceId instance(std::uint64_t raw) { return static_cast<InstanceId>(raw); }

EndpointKind endpoint(Fields& f, fb::EndpointKind kind) {
  return f.enumeration<EndpointKind>(kind, fb::EndpointKind::MIN, fb::EndpointKind::MAX,
                                     "endpoint");
}

// What several messages have, read by the names of their fields.
template <class From, class To>
void read_room(Fields& f, const From& m, To& into) {
  f.name(m.room(), "room", into.room);
}

template <class From, class To>
void read_user(Fields& f, const From& m, To& into) {
  read_room(f, m, into);
  f.name(m.user(), "user", into.user);
}

template <class From, class To>
void read_instance(Fields& f, const From& m, To& into) {
  read_user(f, m, into);
  into.instance = instance(m.instance());
}

template <class From, class To>
void read_stream(Fields& f, const From& m, To& into) {
  read_room(f, m, into);
  f.name(m.stream(), "stream", into.stream);
}

void read(Fields& f, const fb::Status& m, Status& into) {
  into.code = f.enumeration<StatusCode>(m.code(), fb::StatusCode::MIN, fb::StatusCode::MAX, "code");
  into.text = f.text(m.text());
  into.count = m.count();
}

void read(Fields& f, const fb::Hello& m, Hello& into) {
  into.control_version = m.control_version();
  into.version = f.text(m.version());
  f.array(m.boot_id(), "boot_id", into.boot_id);
  f.array(m.relay_key(), "relay_key", into.relay_key);
  into.relay_key_id = static_cast<RelayKeyId>(m.relay_key_id());
  into.address = f.text(m.address());
  if (const fb::Load* load = m.load()) {
    into.load = {load->workers(), load->rooms(), load->members(), load->streams(),
                 load->busy_permille()};
  }
  into.draining = m.draining();
}

void read(Fields& f, const fb::Attach& m, Attach& into) {
  into.epoch = m.epoch();
  into.name = f.text(m.name());
}

void read(Fields& f, const fb::Attached& m, Attached& into) {
  into.active = m.active();
  into.active_epoch = m.active_epoch();
  into.generation = m.generation();
  f.array(m.ticket_key(), "ticket_key", into.ticket_key);
}

void read(Fields& f, const fb::Resync& m, Resync& into) {
  f.array(m.boot_id(), "boot_id", into.boot_id);
  into.generation = m.generation();
}

void read(Fields& f, const fb::Resynced& m, Resynced& into) {
  f.array(m.boot_id(), "boot_id", into.boot_id);
  into.generation = m.generation();
  into.events = m.events();
}

void read(Fields&, const fb::Drain& m, Drain& into) { into.deadline_ms = m.deadline_ms(); }

template <class From, class To>
void read_open(Fields& f, const From& m, To& into) {
  read_room(f, m, into);
  if (const fb::RoomLimits* limits = m.limits()) {
    into.limits = {limits->members_max(), limits->streams_max(), limits->rate_kbps()};
  }
  into.blob = f.bytes(m.blob());
}

void read(Fields& f, const fb::OpenRoom& m, OpenRoom& into) { read_open(f, m, into); }

void read(Fields& f, const fb::CloseRoom& m, CloseRoom& into) { read_room(f, m, into); }

void read(Fields& f, const fb::RoomUp& m, RoomUp& into) { read_open(f, m, into); }

void read(Fields& f, const fb::RoomDown& m, RoomDown& into) { read_room(f, m, into); }

void read(Fields& f, const fb::ListRooms& m, ListRooms& into) {
  f.name(m.after(), "after", into.after);
  into.limit = m.limit();
}

void read(Fields& f, const fb::RoomList& m, RoomList& into) {
  f.list(m.rooms(), kPageEntriesMax, "rooms", [&](const fb::RoomSummary& from) {
    RoomSummary& info = into.rooms.emplace_back();
    read_room(f, from, info);
    info.members = from.members();
    info.streams = from.streams();
    info.subscriptions = from.subscriptions();
    info.age_ms = from.age_ms();
    info.home_worker = from.home_worker();
    info.branches = from.branches();
  });
  into.more = m.more();
}

void read(Fields& f, const fb::Admit& m, Admit& into) { read_user(f, m, into); }

void read(Fields& f, const fb::Kick& m, Kick& into) { read_instance(f, m, into); }

void read(Fields& f, const fb::SetRights& m, SetRights& into) {
  read_instance(f, m, into);
  into.rights = m.rights();
}

void read(Fields& f, const fb::MemberIn& m, MemberIn& into) {
  read_instance(f, m, into);
  into.rights = m.rights();
  into.endpoint = endpoint(f, m.endpoint());
}

void read(Fields& f, const fb::MemberOut& m, MemberOut& into) {
  read_instance(f, m, into);
  into.reason =
      f.enumeration<LeaveReason>(m.reason(), fb::LeaveReason::MIN, fb::LeaveReason::MAX, "reason");
}

void read(Fields& f, const fb::ListMembers& m, ListMembers& into) {
  read_room(f, m, into);
  f.name(m.after_user(), "after_user", into.after_user);
  into.after_instance = instance(m.after_instance());
  into.limit = m.limit();
}

void read(Fields& f, const fb::MemberSummary& m, MemberSummary& into) {
  f.name(m.user(), "user", into.user);
  into.instance = instance(m.instance());
  into.rights = m.rights();
  into.endpoint = endpoint(f, m.endpoint());
  into.worker = m.worker();
  into.age_ms = m.age_ms();
  into.address = f.text(m.address());
  into.rtt_us = m.rtt_us();
  into.jitter_us = m.jitter_us();
  into.uplink_bps = m.uplink_bps();
  into.downlink_bps = m.downlink_bps();
  into.uplink_loss_ppm = m.uplink_loss_ppm();
  into.downlink_loss_ppm = m.downlink_loss_ppm();
  into.queue_ms = m.queue_ms();
  into.subscriptions = m.subscriptions();
  f.list(m.streams(), kMemberStreamsMax, "streams",
         [&](const Text& name) { f.name(&name, "streams", into.streams.emplace_back()); });
}

void read(Fields& f, const fb::MemberList& m, MemberList& into) {
  f.list(m.members(), kPageEntriesMax, "members",
         [&](const fb::MemberSummary& from) { read(f, from, into.members.emplace_back()); });
  into.more = m.more();
}

void read(Fields& f, const fb::StreamUp& m, StreamUp& into) {
  read_user(f, m, into);
  f.name(m.stream(), "stream", into.stream);
  f.list(m.tracks(), kTracksPerStreamMax, "tracks", [&](const fb::Track& from) {
    const auto kind =
        f.enumeration<TrackKind>(from.kind(), fb::TrackKind::MIN, fb::TrackKind::MAX, "kind");
    into.tracks.push_back({from.id(), kind, from.codec(), from.rendition()});
  });
}

void read(Fields& f, const fb::StreamDown& m, StreamDown& into) {
  read_user(f, m, into);
  f.name(m.stream(), "stream", into.stream);
}

void read(Fields& f, const fb::KeyRequest& m, KeyRequest& into) { read_stream(f, m, into); }

void read(Fields& f, const fb::Quality& m, Quality& into) {
  f.list(m.members(), kQualityEntriesMax, "members", [&](const fb::MemberQuality& from) {
    MemberQuality& q = into.members.emplace_back();
    read_instance(f, from, q);
    q.rtt_us = from.rtt_us();
    q.uplink_bps = from.uplink_bps();
    q.downlink_bps = from.downlink_bps();
    q.uplink_loss_ppm = from.uplink_loss_ppm();
    q.downlink_loss_ppm = from.downlink_loss_ppm();
  });
}

void read(Fields& f, const fb::Authorize& m, Authorize& into) {
  into.endpoint = endpoint(f, m.endpoint());
  into.push = m.push();
  into.app = f.text(m.app());
  into.stream = f.text(m.stream());
  into.query = f.text(m.query());
  into.address = f.text(m.address());
}

void read(Fields& f, const fb::Authorized& m, Authorized& into) {
  read_user(f, m, into);
  f.name(m.stream(), "stream", into.stream);
  into.rights = m.rights();
  into.expiry_s = m.expiry_s();
}

void read(Fields& f, const fb::StartRecording& m, StartRecording& into) {
  read_stream(f, m, into);
  into.file = f.text(m.file());
}

void read(Fields& f, const fb::StopRecording& m, StopRecording& into) { read_stream(f, m, into); }

void read(Fields& f, const fb::RecordingEvent& m, RecordingEvent& into) {
  read_stream(f, m, into);
  into.file = f.text(m.file());
  into.state = f.enumeration<RecordingState>(m.state(), fb::RecordingState::MIN,
                                             fb::RecordingState::MAX, "state");
  into.bytes = m.bytes();
  into.duration_ms = m.duration_ms();
  into.text = f.text(m.text());
}

void read(Fields& f, const fb::IssueTicket& m, IssueTicket& into) {
  read_instance(f, m, into);
  into.rights = m.rights();
  into.valid_s = m.valid_s();
  into.rate_kbps = m.rate_kbps();
  into.session_s = m.session_s();
  into.several_instances = m.several_instances();
}

void read(Fields& f, const fb::IssuedTicket& m, IssuedTicket& into) {
  into.address = f.text(m.address());
  f.array(m.relay_key(), "relay_key", into.relay_key);
  into.ticket = f.bytes(m.ticket());
  f.array(m.psk(), "psk", into.psk);
  into.expiry_s = m.expiry_s();
}

template <class From, class To>
void read_as(Fields& f, const void* from, Message& into) {
  read(f, *static_cast<const From*>(from), into.emplace<To>());
}

using ReadOne = void (*)(Fields&, const void*, Message&);

#define SLUICE_READ(Name) &read_as<fb::Name, Name>

/// By the union's number less one; a test holds this order, the variant's and the schema's
/// together.
constexpr ReadOne kReaders[] = {
    SLUICE_READ(Status),        SLUICE_READ(Hello),          SLUICE_READ(Attach),
    SLUICE_READ(Attached),      SLUICE_READ(Resync),         SLUICE_READ(Resynced),
    SLUICE_READ(Drain),         SLUICE_READ(OpenRoom),       SLUICE_READ(CloseRoom),
    SLUICE_READ(RoomUp),        SLUICE_READ(RoomDown),       SLUICE_READ(ListRooms),
    SLUICE_READ(RoomList),      SLUICE_READ(Admit),          SLUICE_READ(Kick),
    SLUICE_READ(SetRights),     SLUICE_READ(MemberIn),       SLUICE_READ(MemberOut),
    SLUICE_READ(ListMembers),   SLUICE_READ(MemberList),     SLUICE_READ(StreamUp),
    SLUICE_READ(StreamDown),    SLUICE_READ(KeyRequest),     SLUICE_READ(Quality),
    SLUICE_READ(Authorize),     SLUICE_READ(Authorized),     SLUICE_READ(StartRecording),
    SLUICE_READ(StopRecording), SLUICE_READ(RecordingEvent), SLUICE_READ(IssueTicket),
    SLUICE_READ(IssuedTicket),
};

#undef SLUICE_READ

static_assert(std::size(kReaders) == std::variant_size_v<Message>);
static_assert(std::size(kReaders) == static_cast<std::size_t>(fb::Message::MAX));

Result<Envelope, DecodeError> convert(const fb::Envelope& from) {
  const auto fail = [&from](StatusCode code, std::string text) {
    return Unexpected{DecodeError{code, from.id(), std::move(text)}};
  };
  const auto type = static_cast<std::size_t>(from.message_type());
  if (type > std::size(kReaders)) {
    return fail(StatusCode::kUnknownMessage, "message number " + std::to_string(type));
  }
  if (from.kind() > fb::Kind::MAX)
    return fail(StatusCode::kMalformed, "kind: not one of the three");
  // The union's type may be set while its table is absent: the verifier allows that.
  if (type == 0 || from.message() == nullptr)
    return fail(StatusCode::kMalformed, "message: missing");

  Envelope envelope;
  envelope.id = from.id();
  envelope.kind = static_cast<Kind>(from.kind());
  envelope.generation = from.generation();
  Fields fields;
  kReaders[type - 1](fields, from.message(), envelope.message);
  if (fields.error.empty()) fields.error = value_error(envelope.message).value_or("");
  if (!fields.error.empty()) {
    std::string text{message_name(envelope.message)};
    return fail(StatusCode::kMalformed, text + ": " + fields.error);
  }
  return envelope;
}

}  // namespace

Result<Envelope, DecodeError> decode(Bytes message) {
  const auto malformed = [](std::string text) {
    return Unexpected{DecodeError{StatusCode::kMalformed, 0, std::move(text)}};
  };
  if (message.size() > kMessageBytesMax) return malformed("longer than 64 KiB");
  // The verifier takes a misaligned buffer for good and the reads that follow would be misaligned.
  std::vector<std::uint64_t> aligned(message.size() / sizeof(std::uint64_t) + 1);
  if (!message.empty()) std::memcpy(aligned.data(), message.data(), message.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(bytes, message.size(), kVerifyDepthMax, kVerifyTablesMax);
  if (!fb::VerifyEnvelopeBuffer(verifier)) return malformed("no message of the control socket");
  return convert(*fb::GetEnvelope(bytes));
}

}  // namespace sluice::schema
