// Where reports go and come from: a file, or "-" for standard output.
#pragma once

#include <string>

#include "proto/base/result.h"

namespace sluice::bench {

/// Before a run: whether a report can be written there afterwards. Leaves the file as it is.
Status<Failure> check_report_file(const std::string& file);

bool write_report_file(const std::string& file, const std::string& text);

Result<std::string, Failure> read_report_file(const std::string& file);

}  // namespace sluice::bench
