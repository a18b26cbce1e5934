#include "daemon/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "net/socket.h"

namespace sluice::daemon {
namespace {

TEST(WriteAll, WritesAll) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const net::Fd in{ends[0]}, out{ends[1]};
  const std::string text(1000, 'x');
  EXPECT_TRUE(write_all(out.get(), text));
  EXPECT_TRUE(write_all(out.get(), ""));
  std::string read(2000, ' ');
  EXPECT_EQ(::read(in.get(), read.data(), read.size()), 1000);
}

TEST(WriteAll, SaysThatTheDiskIsFull) {
  const net::Fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  ASSERT_TRUE(full.valid());
  EXPECT_FALSE(write_all(full.get(), "text"));
  EXPECT_EQ(errno, ENOSPC);
}

}  // namespace
}  // namespace sluice::daemon
