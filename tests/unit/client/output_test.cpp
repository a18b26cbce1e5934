#include "client/cli/output.h"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

TEST(Output, WritesAFile) {
  net::Loop loop;
  const std::string path = testing::TempDir() + "/output-" + std::to_string(::getpid());
  {
    const auto output = Output::open(loop, path);
    ASSERT_TRUE(output.has_value());
    (*output)->write(as_bytes("hello "));
    (*output)->write(as_bytes("world"));
    EXPECT_TRUE((*output)->drained());
  }
  std::stringstream read;
  read << std::ifstream{path}.rdbuf();
  EXPECT_EQ(read.str(), "hello world");
  ::unlink(path.c_str());
}

TEST(Output, WithoutAWriteLeavesEverythingAsItWas) {
  net::Loop loop;
  const std::string path = testing::TempDir() + "/output-kept-" + std::to_string(::getpid());
  ASSERT_TRUE(Output::open(loop, path).has_value());
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "made for nothing";
  std::ofstream{path} << "a recording";
  ASSERT_TRUE(Output::open(loop, path).has_value());
  std::string kept;
  std::getline(std::ifstream{path}, kept);
  EXPECT_EQ(kept, "a recording");
  {
    const auto output = Output::open(loop, path);
    (*output)->write(as_bytes("new"));
  }
  std::getline(std::ifstream{path}, kept);
  EXPECT_EQ(kept, "new");
  ::unlink(path.c_str());
}

TEST(Output, NamesAFileThatCannotBeMade) {
  net::Loop loop;
  const auto output = Output::open(loop, "/nonexistent/out.flv");
  ASSERT_FALSE(output.has_value());
  EXPECT_EQ(output.error().code, ExitCode::kEnvironment);
  EXPECT_EQ(output.error().message,
            "/nonexistent/out.flv: cannot write: No such file or directory");
}

/// A pipe that Output opens by its name.
struct Piped {
  explicit Piped(net::Loop& loop) {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe(ends), 0);
    output = std::move(*Output::open(loop, "/proc/self/fd/" + std::to_string(ends[1])));
    ::close(ends[1]);
  }

  ~Piped() {
    if (ends[0] >= 0) ::close(ends[0]);
  }

  int ends[2] = {-1, -1};
  std::unique_ptr<Output> output;
};

TEST(Output, NeverWaitsForAPipe) {
  net::Loop loop;
  Piped pipe{loop};
  const std::vector<std::byte> much(1U << 20U, std::byte{7});
  pipe.output->write(much);
  EXPECT_FALSE(pipe.output->drained());
  std::vector<std::byte> read;
  std::vector<std::byte> chunk(1U << 16U);
  while (!pipe.output->drained() || read.size() < much.size()) {
    loop.run_ready();
    const ssize_t size = ::read(pipe.ends[0], chunk.data(), chunk.size());
    ASSERT_GT(size, 0);
    read.insert(read.end(), chunk.begin(), chunk.begin() + size);
  }
  EXPECT_EQ(read, much);
}

TEST(Output, AReaderThatGoesAwayIsNoFailure) {
  net::Loop loop;
  Piped pipe{loop};
  ::close(std::exchange(pipe.ends[0], -1));
  pipe.output->write(as_bytes("x"));
  loop.run_once();
  EXPECT_EQ(pipe.output->state(), Output::State::kReaderGone);
  EXPECT_TRUE(pipe.output->drained());
}

TEST(Output, AReaderThatIsTooSlowIs) {
  net::Loop loop;
  Piped pipe{loop};
  const std::vector<std::byte> much(33U << 20U);
  pipe.output->write(much);
  pipe.output->write(much);
  EXPECT_EQ(pipe.output->state(), Output::State::kFailed);
  EXPECT_EQ(pipe.output->error().code, ExitCode::kEnvironment);
}

}  // namespace
}  // namespace sluice::client
