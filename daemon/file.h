// Writing to files.
#pragma once

#include <string_view>

namespace sluice::daemon {

/// All of it; false with errno. A short write to a file means that the disk is full.
bool write_all(int fd, std::string_view text);

}  // namespace sluice::daemon
