#include "rooms/program.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "rooms/metrics_page.h"
#include "rooms/service.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

namespace fs = std::filesystem;

class RoomsProgram : public testing::Test {
 protected:
  RoomsProgram() {
    std::string pattern = (fs::temp_directory_path() / "rooms-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    options.config.service_state_folder = folder + "/state";
    options.config.listen_address = "127.0.0.1:0";
  }

  ~RoomsProgram() override { fs::remove_all(folder); }

  std::string failure() {
    net::Loop loop;
    const auto program = Program::start(loop, options);
    return program ? "" : program.error().message;
  }

  std::string folder;
  ProgramOptions options;
};

TEST_F(RoomsProgram, MakesItsFolderAndSecretOnceForItselfAlone) {
  ASSERT_EQ(failure(), "");
  const std::string secret = options.config.service_state_folder + "/secret";
  EXPECT_EQ(fs::status(options.config.service_state_folder).permissions(), fs::perms{0700});
  EXPECT_EQ(fs::status(secret).permissions(), fs::perms{0600});
  const auto made = fs::last_write_time(secret);
  ASSERT_EQ(failure(), "");
  EXPECT_EQ(fs::last_write_time(secret), made);
  fs::permissions(secret, fs::perms{0644});
  EXPECT_NE(failure().find("chmod 600"), std::string::npos);
}

TEST_F(RoomsProgram, SaysWhichSettingIsWrong) {
  options.config.service_state_folder = folder + "/missing/state";
  EXPECT_EQ(failure().rfind("service.state_folder: ", 0), 0U);
  options.config.service_state_folder = folder + "/state";
  options.config.listen_address = "192.0.2.1:1";
  EXPECT_EQ(failure().rfind("listen.address: ", 0), 0U);
  options.dev = options.state_given = options.relay_given = options.listen_given = true;
  options.config.listen_address = "0.0.0.0:0";
  EXPECT_NE(failure().find("for this machine alone"), std::string::npos);
}

TEST_F(RoomsProgram, WritesTheJournalShortAtItsStart) {
  fs::create_directory(options.config.service_state_folder);
  fs::permissions(options.config.service_state_folder, fs::perms{0700});
  const std::string path = options.config.service_state_folder + "/journal";
  RoomStore store{RoomRules{}};
  bool created = false;
  const RoomKey stays{RoomType::kMulti, room_id("stays")}, goes{RoomType::kMulti, room_id("goes")};
  for (const RoomKey& key : {stays, goes}) store.enter(at_seconds(0), key, entry_of("a"), created);
  store.leave(goes, user_id("a"));
  std::ofstream(path) << as_lines(store.take_changes());
  ASSERT_EQ(failure(), "");
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, as_lines(store.snapshot()));
}

TEST(RoomsMetrics, ArePrintedWithLabelsOfTablesAlone) {
  MetricsView view;
  view.version = "1";
  view.rooms[1] = 3;
  ServiceCounts counts;
  counts.requests[{"login", 7}] = 2;
  counts.dissolved[0] = 4;
  const std::string text = metrics_text(view, counts);
  for (const char* line : {"sluice_rooms_rooms{type=\"multi\"} 3\n",
                           "sluice_rooms_requests_total{route=\"login\",code=\"7\"} 2\n",
                           "sluice_rooms_dissolved_total{cause=\"creator_left\"} 4\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace sluice::rooms
