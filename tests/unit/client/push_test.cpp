// `sluice push` before it reaches anybody: each bad input has its exit code and one line.
#include <unistd.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "client/cli/options.h"
#include "tests/unit/client/flv_file.h"

namespace sluice::client {
namespace {

struct Ended {
  ExitCode code;
  std::string line;
};

Ended push(const std::string& url, const std::string& file, bool loop = false) {
  PushOptions options;
  options.join.url = url;
  options.join.control = "/nonexistent/control.sock";
  options.file = file;
  options.loop = loop;
  testing::internal::CaptureStderr();
  const ExitCode code = run_push(options);
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(Push, RefusesABadUrlFirst) {
  const Ended ended = push("rtmp://h/r/s", "/nonexistent.flv");
  EXPECT_EQ(ended.code, ExitCode::kBadInput);
  EXPECT_EQ(
      ended.line,
      "sluice: rtmp://h/r/s: not a sluice:// address; expected sluice://HOST[:PORT]/ROOM/NAME\n");
}

TEST(Push, ReadsItsFileBeforeItAsksForATicket) {
  const std::string path = testing::TempDir() + "/push-" + std::to_string(::getpid()) + ".flv";
  auto bytes = FlvFile{}.headers().frames(3).bytes;
  std::ofstream{path, std::ios::binary} << as_text(Bytes{bytes}.first(bytes.size() - 1));
  const Ended cut = push("sluice://127.0.0.1/r/s", path);
  EXPECT_EQ(cut.code, ExitCode::kBadInput);
  EXPECT_EQ(cut.line.find("sluice: " + path + ": the input ends at offset "), 0U) << cut.line;

  std::ofstream{path, std::ios::binary} << as_text(bytes);
  const Ended alone = push("sluice://127.0.0.1/r/s", path);
  EXPECT_EQ(alone.code, ExitCode::kUnreachable);
  EXPECT_NE(alone.line.find("/nonexistent/control.sock"), std::string::npos);
  EXPECT_EQ(std::count(alone.line.begin(), alone.line.end(), '\n'), 1);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace sluice::client
