#include "net/log_files.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

namespace fs = std::filesystem;

constexpr UnixSeconds kDay{1'795'392'000};  // 2026-11-23, midnight
constexpr std::int64_t kDaySeconds = 86'400;

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string made = testing::TempDir() + "sluice-log-XXXXXX";
    EXPECT_NE(::mkdtemp(made.data()), nullptr);
    path = made;
  }

  ~Folder() override { fs::remove_all(path); }

  LogFiles files(std::uint64_t bytes_max, std::uint64_t files_max) const {
    return LogFiles{{path, "errors", bytes_max, files_max}};
  }

  std::string text_of(const std::string& name) const {
    std::ifstream file{path + "/" + name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  std::string path;
};

using Names = std::vector<std::string>;

TEST_F(Folder, AFileIsOfADayAndASize) {
  LogFiles log = files(10, 9);
  EXPECT_TRUE(log.write("one\n", kDay));
  EXPECT_TRUE(log.write("two\n", kDay));
  EXPECT_TRUE(log.write("three\n", kDay));
  EXPECT_TRUE(log.write("longer than a file\n", kDay)) << "a line is never cut";
  EXPECT_TRUE(log.write("four\n", {kDay.value + kDaySeconds}));
  EXPECT_EQ(log_file_names(path), (Names{"errors-2026-11-24.log", "errors-2026-11-23.2.log",
                                         "errors-2026-11-23.1.log", "errors-2026-11-23.log"}));
  EXPECT_EQ(text_of("errors-2026-11-23.log"), "one\ntwo\n");
  EXPECT_EQ(text_of("errors-2026-11-23.1.log"), "three\n");
  EXPECT_EQ(text_of("errors-2026-11-23.2.log"), "longer than a file\n");
}

TEST_F(Folder, AProgramThatStartsAgainGoesOnInTheLastFile) {
  EXPECT_TRUE(files(4, 9).write("one\n", kDay));
  LogFiles second = files(4, 9);
  EXPECT_TRUE(second.open(kDay));
  EXPECT_TRUE(second.write("two\n", kDay));
  LogFiles third = files(100, 9);
  EXPECT_TRUE(third.write("three\n", kDay));
  EXPECT_EQ(text_of("errors-2026-11-23.log"), "one\n");
  EXPECT_EQ(text_of("errors-2026-11-23.1.log"), "two\nthree\n");
}

TEST_F(Folder, AProgramThatStartsAgainGoesOnWhereTheFirstFilesOfTheDayAreGone) {
  LogFiles log = files(1, 3);
  for (int line = 0; line < 11; ++line) EXPECT_TRUE(log.write("x\n", kDay));
  EXPECT_TRUE(files(100, 3).write("again\n", kDay));
  EXPECT_EQ(text_of("errors-2026-11-23.10.log"), "x\nagain\n");
  EXPECT_EQ(log_file_names(path), (Names{"errors-2026-11-23.10.log", "errors-2026-11-23.9.log",
                                         "errors-2026-11-23.8.log"}));
}

TEST_F(Folder, TheOldestGoAndNothingElse) {
  for (const char* other : {"errors-x.log", "requests-2020-01-01.log", "errors-2020-01-01.txt",
                            "errors-2020-01-01.1.2.log", "notes", "-2020-01-01.log"}) {
    std::ofstream{path + "/" + other} << "kept";
  }
  fs::create_symlink("notes", path + "/errors-2021-01-01.log");
  LogFiles log = files(1, 3);
  for (int day = 0; day < 2; ++day) {
    for (int line = 0; line < 11; ++line) {
      EXPECT_TRUE(log.write("x\n", {kDay.value + day * kDaySeconds}));
    }
  }
  EXPECT_EQ(log_file_names(path), (Names{"errors-2026-11-24.10.log", "errors-2026-11-24.9.log",
                                         "errors-2026-11-24.8.log", "requests-2020-01-01.log"}));
  EXPECT_EQ(std::distance(fs::directory_iterator{path}, {}), 3 + 6 + 1);
}

TEST_F(Folder, AFolderThatIsNotThereIsNamedAndItsLinesAreLost) {
  LogFiles log{{path + "/none", "errors", 10, 3}};
  const auto opened = log.open(kDay);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("/none/errors-2026-11-23.log\": No such file"),
            std::string::npos)
      << opened.error().message;
  EXPECT_FALSE(log.write("one\n", kDay));
  fs::create_directory(path + "/none");
  EXPECT_TRUE(log.write("two\n", kDay)) << "it came";
  EXPECT_TRUE(log_file_names(path + "/nowhere").empty());
}

}  // namespace
}  // namespace sluice::net
