// One filled-in example of every message, in the order of the union, and the envelope around it.
// The values differ from all defaults, so that a field that is lost on the way shows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "proto/schema/messages.h"

namespace sluice::schema {

inline RoomName room(std::string_view text) { return RoomName::parse(text).value(); }

inline UserName user(std::string_view text) { return UserName::parse(text).value(); }

inline StreamName stream(std::string_view text) { return StreamName::parse(text).value(); }

template <std::size_t N>
std::array<std::byte, N> counted_from(unsigned first) {
  std::array<std::byte, N> bytes{};
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(first++); });
  return bytes;
}

inline std::vector<std::byte> some_bytes(std::size_t size) {
  return std::vector<std::byte>(size, std::byte{0xA5});
}

inline MemberSummary sample_member(std::string_view name) {
  MemberSummary info;
  info.user = user(name);
  info.instance = InstanceId{5};
  info.rights = 11;
  info.endpoint = EndpointKind::kRtmp;
  info.worker = 3;
  info.age_ms = 98765;
  info.address = "192.0.2.x";
  info.rtt_us = 23'456;
  info.jitter_us = 789;
  info.uplink_bps = 2'000'000;
  info.downlink_bps = 6'000'000;
  info.uplink_loss_ppm = 1000;
  info.downlink_loss_ppm = 1'000'000;
  info.queue_ms = 40;
  info.subscriptions = 3;
  info.streams = {stream("camera"), stream("screen")};
  return info;
}

/// Every alternative of Message once, none with a default value.
inline std::vector<Message> sample_messages() {
  const RoomName r = room("lobby");
  const UserName u = user("anna");
  const StreamName s = stream("camera");
  const InstanceId i{77};
  return {
      Status{StatusCode::kNotFound, "no room of this name", 3},
      Hello{2, "0.1.0", counted_from<16>(1), counted_from<32>(32), RelayKeyId{0x1122334455667788},
            "relay.example:4400", Load{4, 5, 6, 7, 125}, true},
      Attach{9, "rooms-1"},
      Attached{true, 9, 1234, counted_from<32>(64)},
      Resync{counted_from<16>(1), 1200},
      Resynced{counted_from<16>(1), 1234, 34},
      Drain{30'000},
      OpenRoom{r, RoomLimits{16, 8, 4000}, some_bytes(40)},
      CloseRoom{r},
      RoomUp{r, RoomLimits{2, 3, 5}, some_bytes(1)},
      RoomDown{r},
      ListRooms{room("k"), 10},
      RoomList{{RoomSummary{r, 4, 3, 9, 60'000, 1, 2}, RoomSummary{room("m"), 1, 0, 0, 5, 3, 0}},
               true},
      Admit{r, u},
      Kick{r, u, i},
      SetRights{r, u, i, 8},
      MemberIn{r, u, i, 15, EndpointKind::kWebSocket},
      MemberOut{r, u, i, LeaveReason::kUnreachable},
      ListMembers{r, u, i, 20},
      MemberList{{sample_member("anna"), sample_member("ben")}, true},
      StreamUp{
          r,
          u,
          s,
          {Track{1, TrackKind::kVideo, 0x61766331, 2}, Track{2, TrackKind::kData, 0x64617461, 0}}},
      StreamDown{r, u, s},
      KeyRequest{r, s},
      Quality{{MemberQuality{r, u, i, 20'000, 1, 2, 3, 4}}},

      Authorize{EndpointKind::kHttpFlv, true, "live", "key with spaces?", "sign=0f0f",
                "192.0.2.7:50000"},
      Authorized{r, u, s, 3, 1'700'000'060},
      StartRecording{r, s, "lobby.flv"},
      StopRecording{r, s},
      RecordingEvent{r, s, "lobby.flv", RecordingState::kFailed, 1U << 20U, 61'000, "disk is full"},
      IssueTicket{r, u, i, 15, 30, 5000, 3600, true},
      IssuedTicket{"[2001:db8::1]:4400", counted_from<32>(32), some_bytes(180),
                   counted_from<32>(96), 1'700'000'000},
  };
}

inline Envelope envelope_of(Message message) {
  return Envelope{0x0102030405060708, Kind::kEvent, 42, std::move(message)};
}

}  // namespace sluice::schema
