#include "relay/dev.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "daemon/private_folder.h"
#include "daemon/secret_file.h"
#include "relay/advertise.h"

namespace sluice::relay {
namespace {

namespace fs = std::filesystem;

class DevTest : public testing::Test {
 protected:
  DevTest() {
    std::string pattern = (fs::temp_directory_path() / "dev-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }

  ~DevTest() override { fs::remove_all(folder); }

  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static mode_t mode(const std::string& path) {
    struct stat status {};

    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
  }

  std::string folder;
  DevEntry entry{"127.0.0.1:4700", "00ff", "/run/user/0/sluice/control.sock",
                 "127.0.0.1:8080", "ab",   1234};
};

TEST_F(DevTest, TheFileIsPrivateAndHoldsWhatClientsNeed) {
  const std::string path = folder + "/dev.json";
  {
    const auto file = DevFile::write(path, entry);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(mode(path), 0600U);
    const auto json = nlohmann::json::parse(read(path));
    EXPECT_EQ(json.at("address"), "127.0.0.1:4700");
    EXPECT_EQ(json.at("relay_key"), "00ff");
    EXPECT_EQ(json.at("control"), "/run/user/0/sluice/control.sock");
    EXPECT_EQ(json.at("http"), "127.0.0.1:8080");
    EXPECT_EQ(json.at("pid"), 1234);
    EXPECT_EQ(json.at("boot_id"), "ab");
  }
  EXPECT_TRUE(fs::is_empty(folder)) << "it goes with its owner";
}

TEST_F(DevTest, AFileThatAnotherRelayWroteSinceStays) {
  const std::string path = folder + "/dev.json";
  auto first = DevFile::write(path, entry);
  ASSERT_TRUE(first);
  DevEntry later = entry;
  later.pid = 5678;
  const auto second = DevFile::write(path, later);
  ASSERT_TRUE(second);
  { const DevFile gone = *std::move(first); }
  EXPECT_EQ(nlohmann::json::parse(read(path)).at("pid"), 5678);
}

TEST_F(DevTest, AFileIsTakenWhileItsRelayRuns) {
  const std::string path = folder + "/dev.json";
  EXPECT_FALSE(is_taken(path));
  for (const char* junk :
       {"", "{", "[]", "{}", R"({"pid": "x"})", R"({"pid": -1})", R"({"pid": 0})"}) {
    std::ofstream(path) << junk;
    EXPECT_FALSE(is_taken(path)) << junk;
  }
  entry.pid = ::getpid();
  const auto file = DevFile::write(path, entry);
  ASSERT_TRUE(file);
  EXPECT_TRUE(is_taken(path));
  // No process has the highest number: pid_max is 2^22 at most.
  std::ofstream(path) << R"({"pid": 2147483647})";
  EXPECT_FALSE(is_taken(path));
}

TEST_F(DevTest, AFolderThatOthersMayEnterIsRefused) {
  const std::string path = folder + "/sluice";
  EXPECT_TRUE(daemon::make_private_folder(path));
  EXPECT_EQ(mode(path), 0700U);
  EXPECT_TRUE(daemon::make_private_folder(path)) << "again";
  fs::permissions(path, fs::perms{0755});
  EXPECT_FALSE(daemon::make_private_folder(path));
  fs::permissions(path, fs::perms{0700});
  fs::create_directory_symlink(path, folder + "/link");
  EXPECT_FALSE(daemon::make_private_folder(folder + "/link"));
  std::ofstream(folder + "/file") << "x";
  EXPECT_FALSE(daemon::make_private_folder(folder + "/file"));
  EXPECT_FALSE(daemon::make_private_folder(folder + "/missing/sluice"));
}

TEST_F(DevTest, TheGreetingNamesTheSocketOnlyWhereClientsNeedIt) {
  const std::string plain = dev_greeting(entry, false);
  EXPECT_NE(plain.find("sluice push sluice://127.0.0.1/demo/camera FILE.flv"), std::string::npos);
  EXPECT_NE(plain.find("sluice pull sluice://127.0.0.1/demo/camera -o - | ffplay -"),
            std::string::npos);
  const std::string named = dev_greeting(entry, true);
  EXPECT_NE(named.find("sluice pull --control /run/user/0/sluice/control.sock sluice://"),
            std::string::npos);
}

TEST_F(DevTest, TheRuntimeFolderIsTheUsers) {
  static std::string base;
  base = folder;
  const auto ours = daemon::runtime_folder([](const char* name) -> const char* {
    return std::string_view{name} == "XDG_RUNTIME_DIR" ? base.c_str() : nullptr;
  });
  ASSERT_TRUE(ours) << ours.error().message;
  EXPECT_EQ(*ours, folder + "/sluice");
}

class ZeroRandom {
 public:
  static void fill(void*, MutableBytes out) {
    for (std::byte& b : out) b = std::byte{7};
  }
};

TEST_F(DevTest, TheResetSecretIsMadeOnceAndReadAgain) {
  const std::string path = folder + "/reset.key";
  const RandomSource sevens{&ZeroRandom::fill, nullptr};
  const auto made = daemon::read_or_make_secret("relay.reset_secret_file", path, sevens);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(mode(path), 0600U);
  const auto again = daemon::read_or_make_secret("relay.reset_secret_file", path, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *made);
}

TEST_F(DevTest, AResetSecretThatOthersReadOrThatIsCutIsRefused) {
  const std::string path = folder + "/reset.key";
  std::ofstream(path) << std::string(32, 's');
  fs::permissions(path, fs::perms{0640});
  const auto open = daemon::read_or_make_secret("relay.reset_secret_file", path, {});
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message.find("chmod 600"), std::string::npos);
  fs::permissions(path, fs::perms{0600});
  EXPECT_TRUE(daemon::read_or_make_secret("relay.reset_secret_file", path, {}));
  for (const std::size_t size : {std::size_t{0}, std::size_t{31}, std::size_t{33}}) {
    std::ofstream(path) << std::string(size, 's');
    EXPECT_FALSE(daemon::read_or_make_secret("relay.reset_secret_file", path, {})) << size;
  }
  EXPECT_FALSE(
      daemon::read_or_make_secret("relay.reset_secret_file", folder + "/missing/reset.key", {}));
}

TEST(Advertise, SaysTheConfiguredElseTheBoundElseAGuessedAddress) {
  const Address bound = Address::v4(127, 0, 0, 1, 4700);
  EXPECT_EQ(advertised_address("relay.example:1", bound).address, "relay.example:1");
  EXPECT_EQ(advertised_address("", bound).address, "127.0.0.1:4700");
  EXPECT_FALSE(advertised_address("", bound).guessed);
  Address any;
  any.port = 4700;
  for (const Address& every : {any, Address::v4(0, 0, 0, 0, 4700)}) {
    const Advertised guess = advertised_address("", every);
    EXPECT_TRUE(guess.guessed);
    EXPECT_EQ(guess.address.substr(guess.address.rfind(':')), ":4700");
    EXPECT_EQ(guess.address.find("0.0.0.0"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::relay
