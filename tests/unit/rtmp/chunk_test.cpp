#include "proto/rtmp/chunk.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::rtmp {
namespace {

using namespace std::string_literals;  // headers with zero bytes inside

struct Got {
  std::uint32_t chunk_stream = 0;
  std::uint8_t type = 0;
  std::uint32_t message_stream = 0;
  std::uint32_t timestamp_ms = 0;
  std::string body;

  bool operator==(const Got&) const = default;
};

struct Outcome {
  std::vector<Got> messages;
  std::optional<ChunkFault> fault;
};

Outcome read_all(ChunkReader& reader, Bytes input, std::size_t step) {
  Outcome outcome;
  while (!input.empty()) {
    Bytes piece = input.first(std::min(step, input.size()));
    input = input.subspan(piece.size());
    while (true) {
      const auto read = reader.read(piece);
      if (!read) {
        outcome.fault = read.error();
        return outcome;
      }
      if (!*read) break;
      const ChunkMessage& m = **read;
      outcome.messages.push_back(
          {m.chunk_stream, m.type, m.message_stream, m.timestamp_ms, std::string(as_text(m.body))});
    }
  }
  return outcome;
}

Outcome read_all(const std::string& input, ChunkLimits limits = {}) {
  ChunkReader reader{limits};
  return read_all(reader, as_bytes(input), input.size());
}

/// A header of type 0 in chunk stream 3, message type 9, message stream 1.
std::string full(const std::string& time, std::uint8_t length) {
  return "\x03"s + time + "\0\0"s + static_cast<char>(length) + "\x09\x01\0\0\0"s;
}

std::string set_chunk_size(const std::string& bytes) {
  return "\x02\0\0\0\0\0\x04\x01\0\0\0\0"s + bytes;
}

TEST(ChunkReader, ReadsEachHeaderType) {
  const std::string input = full("\0\0\x64"s, 2) + "ab" +        // at 100
                            "\x43\0\0\x0A\0\0\x01\x08"s + "c" +  // type 1: 10 later, audio
                            "\x83\0\0\x05"s + "d" +              // type 2: 5 later
                            "\xC3" + "e";                        // type 3: 5 later again
  const Outcome outcome = read_all(input);
  EXPECT_FALSE(outcome.fault);
  EXPECT_EQ(
      outcome.messages,
      (std::vector<Got>{
          {3, 9, 1, 100, "ab"}, {3, 8, 1, 110, "c"}, {3, 8, 1, 115, "d"}, {3, 8, 1, 120, "e"}}));
}

TEST(ChunkReader, RepeatsAFullHeadersTimeAsTheDelta) {
  const Outcome outcome = read_all(full("\0\0\x07"s, 1) + "a" + "\xC3" + "b");
  ASSERT_EQ(outcome.messages.size(), 2U);
  EXPECT_EQ(outcome.messages[1].timestamp_ms, 14U);
}

TEST(ChunkReader, WrapsTheTimestampBehindAnExtendedOne) {
  const Outcome outcome =
      read_all(full("\xFF\xFF\xFF"s, 1) + "\xFF\xFF\xFF\xFE" + "a" + "\x83\0\0\x05"s + "b");
  ASSERT_EQ(outcome.messages.size(), 2U);
  EXPECT_EQ(outcome.messages[0].timestamp_ms, 0xFFFFFFFEU);
  EXPECT_EQ(outcome.messages[1].timestamp_ms, 3U);
}

TEST(ChunkReader, ObeysASetChunkSizeBetweenTwoChunksOfAMessage) {
  const std::string body(200, 'x');
  const std::string input = full("\0\0\0"s, 200) + body.substr(0, 128) +
                            set_chunk_size("\0\0\0\x01"s) + "\xC3x" +
                            set_chunk_size("\0\0\x10\0"s).substr(0, 13) + "\xC2\0"s + "\xC2\x10"s +
                            "\xC2\0"s + "\xC3" + body.substr(0, 71);
  const Outcome outcome = read_all(input);
  EXPECT_FALSE(outcome.fault);
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.messages[0].body, body);
}

TEST(ChunkReader, ForgetsAnAbortedMessageAndItsBytes) {
  ChunkLimits limits;
  limits.under_way_bytes_max = 204;  // one of the long ones, and an abort
  const std::string abort = "\x02\0\0\0\0\0\x04\x02\0\0\0\0\0\0\0\x03"s;
  const Outcome outcome =
      read_all(full("\0\0\0"s, 200) + std::string(128, 'x') + abort + full("\0\0\x01"s, 200) +
                   std::string(128, 'y') + "\xC3" + std::string(72, 'y'),
               limits);
  EXPECT_FALSE(outcome.fault);
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.messages[0].body, std::string(200, 'y'));
}

TEST(ChunkReader, RefusesWhatIsBeyondLimitsOrOutOfOrder) {
  ChunkLimits small;
  small.message_bytes_max = 150;
  small.under_way_bytes_max = 200;
  small.chunk_streams_max = 2;
  const std::string begun = full("\0\0\0"s, 150) + std::string(128, 'x');
  const std::string other = "\x04\0\0\0\0\0\x96\x09\x01\0\0\0"s;

  struct Case {
    const char* what;
    std::string input;
    std::optional<ChunkFault> fault;
  };

  const std::vector<Case> cases{
      {"a message of the limit", full("\0\0\0"s, 150), std::nullopt},
      {"a message of one more", full("\0\0\0"s, 151), ChunkFault::kMessageTooLong},
      {"two under way beyond the limit", begun + other, ChunkFault::kTooMuchUnderWay},
      {"a header in a message", begun + full("\0\0\0"s, 150), ChunkFault::kHeaderInMessage},
      {"a length changed in a message", begun + "\x43\0\0\0\0\0\x01\x09"s,
       ChunkFault::kHeaderInMessage},
      {"type 1 in a fresh stream", "\x43\0\0\0\0\0\x01\x09"s + "a", std::nullopt},
      {"type 2 in a fresh stream", "\x83\0\0\0"s, ChunkFault::kNoHeaderBefore},
      {"type 3 in a fresh stream", "\xC3"s, ChunkFault::kNoHeaderBefore},
      {"streams of the limit", full("\0\0\0"s, 0) + "\x44\0\0\0\0\0\0\x09"s, std::nullopt},
      {"streams of one more",
       full("\0\0\0"s, 0) + "\x44\0\0\0\0\0\0\x09"s + "\x45\0\0\0\0\0\0\x09"s,
       ChunkFault::kTooManyStreams},
      {"chunk size 0", set_chunk_size("\0\0\0\0"s), ChunkFault::kChunkSize},
      {"chunk size 1", set_chunk_size("\0\0\0\x01"s), std::nullopt},
      {"chunk size 2^31 - 1", set_chunk_size("\x7F\xFF\xFF\xFF"), std::nullopt},
      {"chunk size 2^31", set_chunk_size("\x80\0\0\0"s), ChunkFault::kChunkSize},
      {"a chunk size cut short", "\x02\0\0\0\0\0\x03\x01\0\0\0\0"s + "\0\0\x01"s,
       ChunkFault::kChunkSize},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(read_all(c.input, small).fault, c.fault);
  }
}

// After a refused Set Chunk Size the next header would read well, were the fault forgotten.
TEST(ChunkReader, StaysAtItsFault) {
  ChunkReader reader;
  const std::string bad = set_chunk_size("\0\0\0\0"s);
  Bytes input = as_bytes(bad);
  ASSERT_FALSE(reader.read(input));
  const std::string good = full("\0\0\0"s, 1) + "a";
  input = as_bytes(good);
  const auto read = reader.read(input);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), ChunkFault::kChunkSize);
  EXPECT_EQ(chunk_fault_name(read.error()), "chunk_size");
}

// Edges of chunk stream ids (1, 2 and 3 byte headers), of the time field, and of bodies around the
// chunk size, each read back in pieces of several sizes.
TEST(AppendMessage, IsReadBackAtEveryEdgeAndCut) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{128}, std::size_t{4096}}) {
    for (const std::uint32_t id : {2U, 63U, 64U, 319U, 320U, 65599U}) {
      for (const std::uint32_t time : {0U, 0xFFFFFEU, 0xFFFFFFU, 0x1000000U, 0xFFFFFFFFU}) {
        for (const std::size_t size : {std::size_t{0}, chunk - 1, chunk, chunk + 1, 2 * chunk}) {
          const Got sent{id, 9, 0x01020304, time, std::string(size, 'm')};
          std::vector<std::byte> bytes;
          const std::string set{static_cast<char>(chunk >> 24U), static_cast<char>(chunk >> 16U),
                                static_cast<char>(chunk >> 8U), static_cast<char>(chunk)};
          append_message({2, 1, 0, 0, as_bytes(set)}, kChunkBytesDefault, bytes);
          append_message({id, 9, sent.message_stream, time, as_bytes(sent.body)}, chunk, bytes);
          for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
            ChunkReader reader;
            const Outcome outcome = read_all(reader, bytes, step);
            ASSERT_FALSE(outcome.fault);
            ASSERT_EQ(outcome.messages, std::vector<Got>{sent})
                << chunk << ' ' << id << ' ' << time;
          }
        }
      }
    }
  }
}

// Chunks of several messages in turn, cut anywhere, must give each message whole.
TEST(ChunkReader, PutsInterleavedMessagesTogether) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    std::vector<std::vector<std::string>> chunks;  // of one message each
    std::vector<Got> expected;
    for (std::uint32_t id = 3; id < 8; ++id) {
      const Got message{id, 9, 1, id * 1000,
                        std::string(1 + random() % 900, static_cast<char>(id))};
      std::vector<std::byte> bytes;
      append_message({id, 9, 1, message.timestamp_ms, as_bytes(message.body)}, 128, bytes);
      const std::string all(as_text(bytes));
      auto& mine = chunks.emplace_back();
      // 12 bytes of header before the first chunk's body, 1 before each later one.
      for (std::size_t at = 0, size = 12 + 128; at < all.size(); at += size, size = 1 + 128) {
        mine.push_back(all.substr(at, at == 0 ? 140 : 129));
      }
      expected.push_back(message);
    }
    std::string input;
    std::vector<std::size_t> next(chunks.size());
    for (std::size_t left = chunks.size(); left > 0;) {
      const std::size_t pick = random() % chunks.size();
      if (next[pick] == chunks[pick].size()) continue;
      input += chunks[pick][next[pick]++];
      if (next[pick] == chunks[pick].size()) --left;
    }
    ChunkReader reader;
    Outcome outcome = read_all(reader, as_bytes(input), 1 + random() % 300);
    EXPECT_FALSE(outcome.fault);
    std::sort(outcome.messages.begin(), outcome.messages.end(),
              [](const Got& a, const Got& b) { return a.chunk_stream < b.chunk_stream; });
    EXPECT_EQ(outcome.messages, expected);
  }
}

}  // namespace
}  // namespace sluice::rtmp
