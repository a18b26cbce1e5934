#include "rooms/log_pages.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "net/log_files.h"
#include "rooms/api.h"

namespace sluice::rooms {
net::HttpResponse LogPages::handle(const net::HttpRequest& request) const {
  constexpr std::string_view kListPath = "/weapp/utils/logfilelist";
  if (!may_read_ || !may_read_(request)) {
    return json_response(200, answer(ApiCode::kAuth, "the token of an operator is needed"));
  }
  if (folder_.empty()) {
    return json_response(
        200, answer(ApiCode::kFailed, "the logs go to stderr; service.log_folder keeps files"));
  }
  return request.path == kListPath ? list() : file(request.argument("file"));
}

/// Names are of letters, digits, '-' and '.': nothing in them to escape.
net::HttpResponse LogPages::list() const {
  std::string body = "<!doctype html><title>logs</title><ul>";
  for (const std::string& name : net::log_file_names(folder_)) {
    body += "<li><a href=\"getlogfile?file=" + name + "\">" + name + "</a>";
  }
  return {200, "text/html; charset=utf-8", body + "</ul>\n"};
}

net::HttpResponse LogPages::file(std::string_view name) const {
  const auto names = net::log_file_names(folder_);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return json_response(200, answer(ApiCode::kFailed, "no such file; logfilelist names them"));
  }
  std::ifstream in{folder_ + "/" + std::string{name}};
  return {200, "text/plain; charset=utf-8", {std::istreambuf_iterator<char>{in}, {}}};
}

}  // namespace sluice::rooms
