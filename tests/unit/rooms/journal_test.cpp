#include "rooms/journal.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "rooms/journal_codec.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

namespace fs = std::filesystem;

std::vector<Change> some_changes() {
  RoomChanged room;
  room.room.id = room_id("room_1");
  room.room.type = RoomType::kLive;
  room.room.info = "späte \"Runde\"\n";
  room.room.creator = user_id("alice");
  room.room.active = true;
  room.room.mixed = *StreamName::parse("8888_alice");
  room.room.custom = {{"likes", "3"}};
  room.room.layout = "{}";
  return {
      room,
      PusherChanged{room.room.id,
                    {user_id("alice"), "Alice", "http://a", *StreamName::parse("8888_alice"), {}}},
      ViewerChanged{room.room.id, {user_id("v"), "{\"userName\":\"v\"}"}},
      ViewerGone{room.room.id, user_id("v")},
      PusherGone{room.room.id, user_id("alice")},
      TokensVoid{user_id("alice"), 1'700'000'000'123},
      CustomChanged{room_id("r"), "likes", "4"},
      RoomGone{room.room.id}};
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string pattern = (fs::temp_directory_path() / "journal-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    path = folder + "/journal";
  }

  ~JournalTest() override { fs::remove_all(folder); }

  Journal::Opened open() {
    auto opened = Journal::open(folder);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }

  std::string folder, path;
};

TEST(JournalCodec, EveryChangeIsReadAsItWasWritten) {
  for (const Change& change : some_changes()) {
    const std::string line = journal_line(change);
    const JournalContent content = read_journal(line);
    ASSERT_EQ(content.changes.size(), 1U) << line;
    EXPECT_EQ(content.changes.front().index(), change.index());
    EXPECT_EQ(journal_line(content.changes.front()), line);
    EXPECT_EQ(content.whole_bytes, line.size());
  }
}

TEST(JournalCodec, ACutAnywhereKeepsEveryWholeLine) {
  const auto changes = some_changes();
  const std::string text = as_lines(changes);
  std::size_t whole = 0;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    if (cut > 0 && text[cut - 1] == '\n') ++whole;
    const JournalContent content = read_journal(std::string_view{text}.substr(0, cut));
    EXPECT_EQ(content.changes.size(), whole) << cut;
    EXPECT_FALSE(content.damaged);
    EXPECT_EQ(content.cut, cut > 0 && text[cut - 1] != '\n');
  }
}

TEST(JournalCodec, AChangedByteEndsTheReading) {
  const std::string first = journal_line(some_changes()[0]);
  const std::string second = journal_line(some_changes()[1]);
  for (std::size_t i = 0; i < second.size() - 1; ++i) {
    std::string bad = second;
    bad[i] = bad[i] == 'x' ? 'y' : 'x';
    const JournalContent content = read_journal(first + bad + first);
    EXPECT_EQ(content.changes.size(), 1U) << i;
    EXPECT_TRUE(content.damaged);
    EXPECT_EQ(content.whole_bytes, first.size());
  }
}

TEST_F(JournalTest, WhatWasAppendedIsThereAfterAStart) {
  const auto changes = some_changes();
  {
    Journal::Opened opened = open();
    EXPECT_TRUE(opened.changes.empty());
    for (const Change& change : changes) ASSERT_TRUE(opened.journal.append({&change, 1}));
    EXPECT_EQ(opened.journal.bytes(), as_lines(changes).size());
    EXPECT_EQ(fs::status(path).permissions(), fs::perms{0600});
  }
  EXPECT_EQ(as_lines(open().changes), as_lines(changes));
}

TEST_F(JournalTest, ACutLineIsTakenAwayAndWritingGoesOn) {
  const auto changes = some_changes();
  const std::string text = as_lines(changes);
  std::ofstream(path) << text.substr(0, text.size() - 5);
  {
    Journal::Opened opened = open();
    EXPECT_TRUE(opened.cut);
    EXPECT_EQ(opened.changes.size(), changes.size() - 1);
    ASSERT_TRUE(opened.journal.append({&changes.back(), 1}));
  }
  EXPECT_EQ(read(path), text);
}

TEST_F(JournalTest, WhatStandsBehindADamagedLineIsKeptBeside) {
  const std::string line = journal_line(some_changes()[0]);
  std::ofstream(path) << line << "0123456789abcdef {}\n" << line;
  EXPECT_TRUE(open().damaged);
  EXPECT_EQ(read(path), line);
  EXPECT_EQ(read(path + ".damaged"), "0123456789abcdef {}\n" + line);
}

TEST_F(JournalTest, ASnapshotReplacesTheFile) {
  const auto changes = some_changes();
  {
    Journal::Opened opened = open();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(opened.journal.append(changes));
    EXPECT_FALSE(opened.journal.wants_snapshot());
    ASSERT_TRUE(opened.journal.write_snapshot({changes.data(), 2}));
    ASSERT_TRUE(opened.journal.append({&changes[2], 1}));
  }
  EXPECT_EQ(read(path), as_lines({changes[0], changes[1], changes[2]}));
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(JournalTest, AGrownFileWantsASnapshot) {
  Journal::Opened opened = open();
  RoomChanged large = std::get<RoomChanged>(some_changes()[0]);
  large.room.layout = std::string(64U << 10U, 'l');
  const std::vector<Change> many(8, large);
  int rounds = 0;
  for (; !opened.journal.wants_snapshot(); ++rounds) ASSERT_TRUE(opened.journal.append(many));
  EXPECT_GT(opened.journal.bytes(), kJournalBytesMin);
  EXPECT_GT(rounds, 1);
  ASSERT_TRUE(opened.journal.write_snapshot({}));
  EXPECT_FALSE(opened.journal.wants_snapshot());
}

TEST_F(JournalTest, OneProcessHasAFolder) {
  const Journal::Opened first = open();
  const auto second = Journal::open(folder);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another room service"), std::string::npos);
  EXPECT_FALSE(Journal::open(folder + "/missing"));
}

}  // namespace
}  // namespace sluice::rooms
