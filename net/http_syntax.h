// What HttpServer reads out of a request beside what its library does: plain functions of texts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/address.h"

namespace sluice::net {

bool carries_body(std::string_view method);

/// libwebsockets 4.1.6 hands out a request's own first line as its body when the request was
/// pipelined behind another one, and then calls back for ever. A body of JSON never begins so.
bool is_misread_body(std::string_view body, std::string_view method);

/// Bytes the request announces; nothing when it is no number.
std::optional<std::size_t> content_length(const std::string& text);

/// Whom a limit per address counts as one: an IPv4 address, an IPv6 network of 64 bits.
Address host_of(Address address);

}  // namespace sluice::net
