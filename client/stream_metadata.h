// onMetaData, the script data with which an FLV begins, cut to what it says of the stream: width,
// height, frame rate, the encoder. It travels as the configuration of a data track, so that who
// joins later has it too (P-CTRL-04). What describes the file (duration, size, index) is left out:
// of a stream it would be wrong. Both ends cut: a pusher what it read, a subscriber what came.
#pragma once

#include <cstddef>
#include <vector>

#include "proto/base/bytes.h"

namespace sluice::client {

/// Of longer ones the rest is left out: what is known to be of use comes to 500 bytes.
inline constexpr std::size_t kStreamMetadataBytesMax = 1024;

/// `body` is that of a data message, onMetaData itself or in an @setDataFrame. Returns the body of
/// an onMetaData message with those of its numbers, booleans and strings that describe the stream;
/// empty when there are none, or the message is another one. What cannot be read ends it: what came
/// before is kept.
std::vector<std::byte> stream_metadata(Bytes body);

}  // namespace sluice::client
