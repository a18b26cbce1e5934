// What a ticket's rights allow, in one place: every push, every part and every subscription asks
// here. A new kind of track without an entry does not build.
#pragma once

#include "proto/base/media.h"
#include "proto/crypto/ticket.h"

namespace sluice::relay {

constexpr bool may_push(crypto::Rights rights, TrackKind kind) {
  switch (kind) {
    case TrackKind::kAudio:
      return rights.has(crypto::Right::kPushAudio);
    case TrackKind::kVideo:
      return rights.has(crypto::Right::kPushVideo);
    case TrackKind::kData:
      return rights.has(crypto::Right::kPushData);
  }
  return false;
}

constexpr bool may_subscribe(crypto::Rights rights) {
  return rights.has(crypto::Right::kSubscribe);
}

/// Others are not told of its coming and going.
constexpr bool is_hidden(crypto::Rights rights) { return rights.has(crypto::Right::kHidden); }

}  // namespace sluice::relay
