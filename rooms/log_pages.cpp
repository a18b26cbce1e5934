#include "rooms/log_pages.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "net/log_files.h"
#include "rooms/api.h"

namespace sluice::rooms {
namespace {

/// The end of a longer file: it goes out from memory, while nobody else is served.
constexpr std::uint64_t kPageBytesMax = 4U << 20U;

}  // namespace

net::HttpResponse LogPages::handle(const net::HttpRequest& request) const {
  constexpr std::string_view kListPath = "/weapp/utils/logfilelist";
  if (!may_read_ || !may_read_(request)) {
    return json_response(200, answer(ApiCode::kAuth, "the token of an operator is needed"));
  }
  if (folder_.empty()) {
    return json_response(
        200, answer(ApiCode::kFailed, "the logs go to stderr; service.log_folder keeps files"));
  }
  return request.path == kListPath ? list(request.argument("token"))
                                   : file(request.argument("file"));
}

/// Names, and tokens that were found good, are of letters, digits, '-', '_' and '.': nothing in
/// them to escape.
net::HttpResponse LogPages::list(std::string_view token) const {
  const std::string proof = token.empty() ? "" : "&amp;token=" + std::string{token};
  std::string body = "<!doctype html><title>logs</title><ul>";
  for (const std::string& name : net::log_file_names(folder_)) {
    body += "<li><a href=\"getlogfile?file=" + name + proof + "\">" + name + "</a>";
  }
  return {200, "text/html; charset=utf-8", body + "</ul>\n"};
}

net::HttpResponse LogPages::file(std::string_view name) const {
  const auto names = net::log_file_names(folder_);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return json_response(200, answer(ApiCode::kFailed, "no such file; logfilelist names them"));
  }
  std::ifstream in{folder_ + "/" + std::string{name}, std::ios::ate};
  const auto end = static_cast<std::uint64_t>(std::max<std::streamoff>(in.tellg(), 0));
  std::string text(std::min(end, kPageBytesMax), '\0');
  in.seekg(static_cast<std::streamoff>(end - text.size()));
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return {200, "text/plain; charset=utf-8", std::move(text)};
}

}  // namespace sluice::rooms
