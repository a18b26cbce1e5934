// What a room is to the room service: its type, who pushes in it, who watches (live only), and what
// was stored with it. Plain values; the rules are RoomStore's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/name.h"
#include "proto/base/time.h"
#include "rooms/member_rights.h"

namespace sluice::rooms {

enum class RoomType : std::uint8_t { kDouble, kMulti, kLive };

inline constexpr std::array kRoomTypes{RoomType::kDouble, RoomType::kMulti, RoomType::kLive};

/// "double", "multi", "live": in the journal, in metrics and before "_room" in paths.
std::string_view type_name(RoomType type);
std::optional<RoomType> parse_type(std::string_view name);

/// The seed's ids have 18 bytes; 48 leave room for a stream name around one in 96.
using UserId = Name<48>;
using RoomId = RoomName;

struct Pusher {
  UserId user;
  std::string name, avatar;
  StreamName stream;
  Instant seen{};  // last heartbeat, or end of media; not kept across a restart
  MemberRights rights = kMemberRights;  // let in with; Room::revoked takes from them
};

struct Viewer {
  UserId user;
  std::string info{};  // the client's own text
  /// It says by heartbeats that it is there, and goes without them; others stay until they leave.
  bool beats = false;
  Instant seen{};  // not kept across a restart
  MemberRights rights = kMemberRights;
};

struct Room {
  RoomId id;
  RoomType type = RoomType::kDouble;
  std::string info;
  UserId creator;
  bool active = false;  // somebody has pushed in it; until then nobody sees it
  Instant made{};       // not kept across a restart
  StreamName mixed;     // of the first pusher
  std::vector<Pusher> pushers;
  std::vector<Viewer> viewers;
  std::map<std::string, std::string> custom;  // the values are JSON texts
  std::string layout;                         // of merge_stream, as the client sent it
  std::string relay;                          // where it is placed; empty: nowhere yet
  bool locked = false;                        // nobody comes in any more
  std::string password;                       // its keyed hash; empty: none
  std::set<UserId> banned;
  std::map<UserId, MemberRights> revoked;  // of members, also of those who left

  const Pusher* find_pusher(const UserId& user) const;
  Pusher* find_pusher(const UserId& user);
  const Viewer* find_viewer(const UserId& user) const;

  /// What was taken from the user here; nothing of most.
  MemberRights revoked_of(const UserId& user) const;
};

/// Bytes of roomInfo: the seed's limit.
inline constexpr std::size_t kRoomInfoBytesMax = 1024;

/// A display name; half cuts names of a few words in scripts of three bytes a letter.
inline constexpr std::size_t kUserNameBytesMax = 256;

/// An avatar is a URL; longer ones are no longer URLs to most software.
inline constexpr std::size_t kUserAvatarBytesMax = 1024;

/// A viewer's own text holds the two above. Double costs a full live room 20 MB.
inline constexpr std::size_t kViewerInfoBytesMax = 1536;

/// Counters of a live room: likes, gifts, votes. Half is enough; double makes us a data base.
inline constexpr std::size_t kCustomFieldsMax = 32;
inline constexpr std::size_t kCustomNameBytesMax = 64;
inline constexpr std::size_t kCustomValueBytesMax = 256;

/// Bans and mutes of one room, each. Every change of a room writes them into the journal: 256 are
/// 12 KB. Half is still a crowd; double is for who bans by the application, with tokens.
inline constexpr std::size_t kModeratedMax = 256;

/// A layout of 16 inputs has 3 KB.
inline constexpr std::size_t kLayoutBytesMax = 8192;

}  // namespace sluice::rooms
