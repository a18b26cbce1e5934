// An event of a room as a line for a person: "12:03:55 anna says hello".
#pragma once

#include <string>

namespace sluice::client {

/// `event` is JSON, as docs/API.md has it. What cannot be read is shown as it is. Whatever a member
/// wrote, it is one line, without bytes that a terminal would obey.
std::string event_line(const std::string& event);

}  // namespace sluice::client
