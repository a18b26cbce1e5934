// LogPages: what an operator may read of the service's logs: utils/logfilelist names the files,
// utils/getlogfile?file=NAME has the last 4 MiB of one. Only what the list names can be asked for,
// so no name leads out of the folder.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "net/http.h"

namespace sluice::rooms {

class LogPages {
 public:
  using MayRead = std::function<bool(const net::HttpRequest&)>;

  LogPages() = default;

  /// `folder` is empty where the logs go to stderr.
  LogPages(std::string folder, MayRead may_read)
      : folder_(std::move(folder)), may_read_(std::move(may_read)) {}

  /// The list; of a request with a file's name that file.
  net::HttpResponse handle(const net::HttpRequest& request) const;

 private:
  net::HttpResponse list(std::string_view token) const;
  net::HttpResponse file(std::string_view name) const;

  std::string folder_;
  MayRead may_read_;
};

}  // namespace sluice::rooms
