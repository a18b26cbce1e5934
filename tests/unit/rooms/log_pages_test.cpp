#include "rooms/log_pages.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::rooms {
namespace {

namespace fs = std::filesystem;

class Pages : public testing::Test {
 protected:
  Pages() {
    std::string made = testing::TempDir() + "log-pages-XXXXXX";
    EXPECT_NE(::mkdtemp(made.data()), nullptr);
    folder = made;
    std::ofstream{folder + "/errors-2026-11-23.log"} << "<b>a line</b>\n";
    std::ofstream{folder + "/secret"} << "32 bytes";
  }

  ~Pages() override { fs::remove_all(folder); }

  net::HttpResponse get(const std::string& path, const std::vector<std::string>& arguments = {},
                        bool operates = true) {
    const LogPages pages{keeps ? folder : "", [&](const net::HttpRequest&) { return operates; }};
    net::HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.arguments = arguments;
    return pages.handle(request);
  }

  static int code(const net::HttpResponse& response) {
    return nlohmann::json::parse(response.body).at("code");
  }

  std::string folder;
  bool keeps = true;
};

constexpr const char* kList = "/weapp/utils/logfilelist";
constexpr const char* kFile = "/weapp/utils/getlogfile";

TEST_F(Pages, AnOperatorReadsWhatTheListNames) {
  const auto list = get(kList);
  EXPECT_EQ(list.content_type, "text/html; charset=utf-8");
  EXPECT_NE(list.body.find("errors-2026-11-23.log</a>"), std::string::npos);
  EXPECT_EQ(list.body.find("secret"), std::string::npos);
  EXPECT_NE(get(kList, {"token=a.b-_c"}).body.find("errors-2026-11-23.log&amp;token=a.b-_c\">"),
            std::string::npos);
  const auto file = get(kFile, {"file=errors-2026-11-23.log"});
  EXPECT_EQ(file.content_type, "text/plain; charset=utf-8") << "never HTML";
  EXPECT_EQ(file.body, "<b>a line</b>\n");
}

TEST_F(Pages, NoNameLeadsAnywhereElse) {
  for (const char* name : {"", "secret", "../../etc/passwd", "./errors-2026-11-23.log",
                           "errors-2026-11-23.log/", "/etc/passwd", "errors-2026-11-24.log"}) {
    EXPECT_EQ(code(get(kFile, {std::string{"file="} + name})), -1) << name;
  }
}

TEST_F(Pages, NobodyElseReadsAnything) {
  EXPECT_EQ(code(get(kList, {}, false)), 7);
  EXPECT_EQ(code(get(kFile, {"file=errors-2026-11-23.log"}, false)), 7);
  keeps = false;
  EXPECT_EQ(code(get(kList)), -1) << "they go to stderr";
}

}  // namespace
}  // namespace sluice::rooms
