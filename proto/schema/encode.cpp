// Plain structs to FlatBuffers: one build() per message, in the order of envelope.fbs.
#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "envelope_generated.h"
#include "proto/schema/control.h"
#include "proto/schema/values.h"

namespace sluice::schema {
namespace {

namespace fb = ::sluice::control;
using Builder = flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

// Absent and empty are the same to a reader, and absent is shorter.
Offset<flatbuffers::String> text(Builder& b, std::string_view value) {
  return value.empty() ? Offset<flatbuffers::String>{} : b.CreateString(value.data(), value.size());
}

template <std::size_t N>
Offset<flatbuffers::String> text(Builder& b, const Name<N>& name) {
  return text(b, name.view());
}

Offset<flatbuffers::Vector<std::uint8_t>> bytes(Builder& b, Bytes value) {
  if (value.empty()) return {};
  std::uint8_t* at = nullptr;
  const auto offset = b.CreateUninitializedVector(value.size(), &at);
  std::transform(value.begin(), value.end(), at, to_u8);
  return offset;
}

/// A vector of tables, each made by build_item.
template <class Item, class Build>
auto tables(Builder& b, const std::vector<Item>& items, Build build_item) {
  std::vector<decltype(build_item(b, items.front()))> offsets;
  offsets.reserve(items.size());
  for (const Item& item : items) offsets.push_back(build_item(b, item));
  return b.CreateVector(offsets);
}

template <class To, class From>
To as(From value) {
  static_assert(std::is_enum_v<From>);
  return static_cast<To>(value);
}

std::uint64_t raw(InstanceId id) { return as<std::uint64_t>(id); }

auto build(Builder& b, const Status& m) {
  return fb::CreateStatus(b, as<fb::StatusCode>(m.code), text(b, m.text), m.count);
}

auto build(Builder& b, const Hello& m) {
  const auto load = fb::CreateLoad(b, m.load.workers, m.load.rooms, m.load.members, m.load.streams,
                                   m.load.busy_permille);
  return fb::CreateHello(b, m.control_version, text(b, m.version), bytes(b, m.boot_id),
                         bytes(b, m.relay_key), as<std::uint64_t>(m.relay_key_id),
                         text(b, m.address), load, m.draining);
}

auto build(Builder& b, const Attach& m) { return fb::CreateAttach(b, m.epoch, text(b, m.name)); }

auto build(Builder& b, const Attached& m) {
  return fb::CreateAttached(b, m.active, m.active_epoch, m.generation, bytes(b, m.ticket_key));
}

auto build(Builder& b, const Resync& m) {
  return fb::CreateResync(b, bytes(b, m.boot_id), m.generation);
}

auto build(Builder& b, const Resynced& m) {
  return fb::CreateResynced(b, bytes(b, m.boot_id), m.generation, m.events);
}

auto build(Builder& b, const Drain& m) { return fb::CreateDrain(b, m.deadline_ms); }

auto build(Builder& b, const RoomLimits& m) {
  return fb::CreateRoomLimits(b, m.members_max, m.streams_max, m.rate_kbps);
}

auto build(Builder& b, const OpenRoom& m) {
  return fb::CreateOpenRoom(b, text(b, m.room), build(b, m.limits), bytes(b, m.blob));
}

auto build(Builder& b, const CloseRoom& m) { return fb::CreateCloseRoom(b, text(b, m.room)); }

auto build(Builder& b, const RoomUp& m) {
  return fb::CreateRoomUp(b, text(b, m.room), build(b, m.limits), bytes(b, m.blob));
}

auto build(Builder& b, const RoomDown& m) { return fb::CreateRoomDown(b, text(b, m.room)); }

auto build(Builder& b, const ListRooms& m) {
  return fb::CreateListRooms(b, text(b, m.after), m.limit);
}

auto build(Builder& b, const RoomList& m) {
  const auto rooms = tables(b, m.rooms, [](Builder& into, const RoomSummary& i) {
    return fb::CreateRoomSummary(into, text(into, i.room), i.members, i.streams, i.subscriptions,
                                 i.age_ms, i.home_worker, i.branches);
  });
  return fb::CreateRoomList(b, rooms, m.more);
}

auto build(Builder& b, const Admit& m) {
  return fb::CreateAdmit(b, text(b, m.room), text(b, m.user));
}

auto build(Builder& b, const Kick& m) {
  return fb::CreateKick(b, text(b, m.room), text(b, m.user), raw(m.instance));
}

auto build(Builder& b, const SetRights& m) {
  return fb::CreateSetRights(b, text(b, m.room), text(b, m.user), raw(m.instance), m.rights);
}

auto build(Builder& b, const MemberIn& m) {
  return fb::CreateMemberIn(b, text(b, m.room), text(b, m.user), raw(m.instance), m.rights,
                            as<fb::EndpointKind>(m.endpoint));
}

auto build(Builder& b, const MemberOut& m) {
  return fb::CreateMemberOut(b, text(b, m.room), text(b, m.user), raw(m.instance),
                             as<fb::LeaveReason>(m.reason));
}

auto build(Builder& b, const ListMembers& m) {
  return fb::CreateListMembers(b, text(b, m.room), text(b, m.after_user), raw(m.after_instance),
                               m.limit);
}

auto build(Builder& b, const MemberSummary& m) {
  const auto streams =
      tables(b, m.streams, [](Builder& into, const StreamName& s) { return text(into, s); });
  const auto user = text(b, m.user);
  const auto address = text(b, m.address);
  fb::MemberSummaryBuilder table(b);
  table.add_user(user);
  table.add_instance(raw(m.instance));
  table.add_rights(m.rights);
  table.add_endpoint(as<fb::EndpointKind>(m.endpoint));
  table.add_worker(m.worker);
  table.add_age_ms(m.age_ms);
  table.add_address(address);
  table.add_rtt_us(m.rtt_us);
  table.add_jitter_us(m.jitter_us);
  table.add_uplink_bps(m.uplink_bps);
  table.add_downlink_bps(m.downlink_bps);
  table.add_uplink_loss_ppm(m.uplink_loss_ppm);
  table.add_downlink_loss_ppm(m.downlink_loss_ppm);
  table.add_queue_ms(m.queue_ms);
  table.add_subscriptions(m.subscriptions);
  table.add_streams(streams);
  return table.Finish();
}

auto build(Builder& b, const MemberList& m) {
  const auto members =
      tables(b, m.members, [](Builder& into, const MemberSummary& i) { return build(into, i); });
  return fb::CreateMemberList(b, members, m.more);
}

auto build(Builder& b, const StreamUp& m) {
  const auto tracks = tables(b, m.tracks, [](Builder& into, const Track& t) {
    return fb::CreateTrack(into, t.id, as<fb::TrackKind>(t.kind), t.codec, t.rendition);
  });
  return fb::CreateStreamUp(b, text(b, m.room), text(b, m.user), text(b, m.stream), tracks);
}

auto build(Builder& b, const StreamDown& m) {
  return fb::CreateStreamDown(b, text(b, m.room), text(b, m.user), text(b, m.stream));
}

auto build(Builder& b, const KeyRequest& m) {
  return fb::CreateKeyRequest(b, text(b, m.room), text(b, m.stream));
}

auto build(Builder& b, const Quality& m) {
  const auto members = tables(b, m.members, [](Builder& into, const MemberQuality& q) {
    return fb::CreateMemberQuality(into, text(into, q.room), text(into, q.user), raw(q.instance),
                                   q.rtt_us, q.uplink_bps, q.downlink_bps, q.uplink_loss_ppm,
                                   q.downlink_loss_ppm);
  });
  return fb::CreateQuality(b, members);
}

auto build(Builder& b, const Authorize& m) {
  return fb::CreateAuthorize(b, as<fb::EndpointKind>(m.endpoint), m.push, text(b, m.app),
                             text(b, m.stream), text(b, m.query), text(b, m.address));
}

auto build(Builder& b, const Authorized& m) {
  return fb::CreateAuthorized(b, text(b, m.room), text(b, m.user), text(b, m.stream), m.rights,
                              m.expiry_s);
}

auto build(Builder& b, const StartRecording& m) {
  return fb::CreateStartRecording(b, text(b, m.room), text(b, m.stream), text(b, m.file));
}

auto build(Builder& b, const StopRecording& m) {
  return fb::CreateStopRecording(b, text(b, m.room), text(b, m.stream));
}

auto build(Builder& b, const RecordingEvent& m) {
  return fb::CreateRecordingEvent(b, text(b, m.room), text(b, m.stream), text(b, m.file),
                                  as<fb::RecordingState>(m.state), m.bytes, m.duration_ms,
                                  text(b, m.text));
}

auto build(Builder& b, const IssueTicket& m) {
  return fb::CreateIssueTicket(b, text(b, m.room), text(b, m.user), raw(m.instance), m.rights,
                               m.valid_s, m.rate_kbps, m.session_s, m.several_instances);
}

auto build(Builder& b, const IssuedTicket& m) {
  return fb::CreateIssuedTicket(b, text(b, m.address), bytes(b, m.relay_key), bytes(b, m.ticket),
                                bytes(b, m.psk), m.expiry_s);
}

}  // namespace

Result<std::vector<std::byte>, Failure> encode(const Envelope& envelope) {
  if (auto error = value_error(envelope.message)) {
    std::string text{message_name(envelope.message)};
    return Unexpected{Failure{text + ": " + *error}};
  }
  Builder b;
  const auto message =
      std::visit([&b](const auto& m) { return build(b, m).Union(); }, envelope.message);
  const auto type = static_cast<fb::Message>(envelope.message.index() + 1);
  fb::FinishEnvelopeBuffer(b, fb::CreateEnvelope(b, envelope.id, as<fb::Kind>(envelope.kind),
                                                 envelope.generation, type, message));
  if (b.GetSize() > kMessageBytesMax) {
    std::string text{message_name(envelope.message)};
    return Unexpected{Failure{text + ": does not fit 64 KiB"}};
  }
  std::vector<std::byte> framed(kLengthPrefixBytes + b.GetSize());
  Writer writer{framed};
  writer.u32(static_cast<std::uint32_t>(b.GetSize()));
  writer.bytes(std::as_bytes(std::span{b.GetBufferPointer(), b.GetSize()}));
  return framed;
}

std::string_view message_name(const Message& message) {
  return fb::EnumNameMessage(static_cast<fb::Message>(message.index() + 1));
}

}  // namespace sluice::schema
