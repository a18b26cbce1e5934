// The limits that FlatBuffers cannot express, asked by encode() and decode() alike: what we would
// not accept we do not send.
#pragma once

#include <optional>
#include <string>

#include "proto/schema/messages.h"

namespace sluice::schema {

/// The first value outside its limits, as "field: what is wrong"; nothing when all are fine.
std::optional<std::string> value_error(const Message& message);

}  // namespace sluice::schema
