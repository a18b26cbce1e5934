#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "net/address.h"
#include "net/pipe.h"
#include "net/tcp.h"
#include "tests/unit/net/stream_support.h"

namespace sluice::net {
namespace {

/// Two ends of one connection, of either kind.
struct Pair {
  explicit Pair(bool tcp) { tcp ? connect_tcp() : connect_pipe(); }

  void connect_tcp() {
    auto accept = [&](std::unique_ptr<TcpConnection> connection) {
      EXPECT_TRUE(connection->peer().is_loopback());
      server.take(std::move(connection));
    };
    TcpListener listener{loop, Callback<std::unique_ptr<TcpConnection>>::ref(accept)};
    const auto address = listener.listen(*parse_address("[::1]:0"));
    ASSERT_TRUE(address) << address.error().message;
    auto connection = TcpConnection::connect(loop, *address);
    ASSERT_TRUE(connection);
    client.take(std::move(*connection));
    EXPECT_TRUE(run_until(loop, [&] { return client.open && server.open; }));
  }

  void connect_pipe() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    client.take(std::move(*PipeConnection::adopt(loop, Fd{ends[0]})));
    server.take(std::move(*PipeConnection::adopt(loop, Fd{ends[1]})));
  }

  Loop loop;
  StreamEnd client;
  StreamEnd server;
};

class Streams : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(TcpAndPipe, Streams, testing::Bool());

TEST_P(Streams, CarryBytesBothWaysAndCloseInOrder) {
  Pair pair{GetParam()};
  EXPECT_EQ(pair.client.stream->write(as_bytes("question")), WriteResult::kQueued);
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.server.text == "question"; }));
  EXPECT_EQ(pair.server.stream->write(as_bytes("answer")), WriteResult::kQueued);
  pair.server.stream->close();
  EXPECT_EQ(pair.server.stream->write(as_bytes("late")), WriteResult::kNotOpen);
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.client.closed && pair.server.closed; }));
  EXPECT_EQ(pair.client.text, "answer");
  EXPECT_EQ(pair.client.closed, CloseReason::kPeer);
  EXPECT_EQ(pair.server.closed, CloseReason::kLocal);
  EXPECT_EQ(pair.client.stream->write(as_bytes("late")), WriteResult::kNotOpen);
}

TEST_P(Streams, BoundTheirQueueAndSendAllOfItOnClose) {
  Pair pair{GetParam()};
  std::string expected;
  WriteResult result = WriteResult::kQueued;
  for (unsigned i = 0; result == WriteResult::kQueued; ++i) {
    const auto bytes = pattern(100'000, i);
    result = pair.client.stream->write(bytes);
    if (result == WriteResult::kQueued) expected += text_of(bytes);
    ASSERT_LE(pair.client.stream->queued_bytes(), kStreamQueueBytesMax);
  }
  EXPECT_EQ(result, WriteResult::kFull);
  EXPECT_EQ(pair.client.stream->write(pattern(kStreamQueueBytesMax + 1)), WriteResult::kFull);
  pair.client.stream->close();
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.client.closed && pair.server.closed; }));
  EXPECT_TRUE(pair.server.text == expected);
  EXPECT_EQ(pair.client.stream->queued_bytes(), 0U);
}

TEST_P(Streams, MayBeDestroyedInTheirOwnCallbacks) {
  Pair pair{GetParam()};
  pair.server.on_text = [&] { pair.server.stream.reset(); };
  EXPECT_EQ(pair.client.stream->write(pattern(200'000)), WriteResult::kQueued);
  pair.client.on_close = [&] { pair.client.stream.reset(); };
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.client.closed.has_value(); }));
  EXPECT_EQ(pair.server.stream, nullptr);
}

TEST_P(Streams, MayBeDestroyedWithWritesUnderWay) {
  Pair pair{GetParam()};
  while (pair.client.stream->write(pattern(100'000)) == WriteResult::kQueued) {
  }
  pair.client.stream.reset();
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.server.closed.has_value(); }));
}

TEST(TcpConnection, SaysWhyItCannotConnect) {
  Loop loop;
  StreamEnd client;
  // A port that was free a moment ago and is bound without listening.
  const auto bound =
      open_bound(Address::v4(127, 0, 0, 1, 0), {.type = SOCK_STREAM, .reuse_port = false});
  ASSERT_TRUE(bound);
  client.take(std::move(*TcpConnection::connect(loop, bound_address(bound.value().get()))));
  EXPECT_EQ(client.stream->write(as_bytes("early")), WriteResult::kNotOpen);
  ASSERT_TRUE(run_until(loop, [&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed, CloseReason::kError);
  EXPECT_EQ(client.stream->error(), "connection refused");
  EXPECT_FALSE(client.open);
}

TEST(TcpConnection, MayBeClosedOrDestroyedWhileItConnects) {
  Loop loop;
  auto accept = [](std::unique_ptr<TcpConnection>) {};
  TcpListener listener{loop, Callback<std::unique_ptr<TcpConnection>>::ref(accept)};
  const auto address = listener.listen(Address::v4(127, 0, 0, 1, 0));
  StreamEnd closing;
  StreamEnd dying;
  closing.take(std::move(*TcpConnection::connect(loop, *address)));
  dying.take(std::move(*TcpConnection::connect(loop, *address)));
  closing.stream->close();
  EXPECT_EQ(closing.closed, CloseReason::kLocal);
  dying.stream.reset();
  loop.run_ready();
  EXPECT_FALSE(dying.open);
}

TEST(TcpListener, TellsThePortAndRefusesATakenOne) {
  Loop loop;
  TcpListener first{loop, {}};
  const auto address = first.listen(*parse_address(":0"));
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_NE(address->port, 0);
  TcpListener second{loop, {}};
  const auto refused = second.listen(*address);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(address->to_string()), std::string::npos);
}

struct ControlSocket {
  ControlSocket() {
    path = testing::TempDir() + "sluice-test-" + std::to_string(getpid()) + ".sock";
    unlink(path.c_str());
  }

  void on_connection(std::unique_ptr<PipeConnection> connection) {
    uid = connection->peer_uid();
    server.take(std::move(connection));
  }

  auto callback() {
    return Callback<std::unique_ptr<PipeConnection>>::to<&ControlSocket::on_connection>(this);
  }

  std::string path;
  Loop loop;
  StreamEnd server;
  std::optional<uid_t> uid;
};

TEST(PipeListener, AdmitsItsOwnUserThroughAFileOnlyThatUserMayOpen) {
  ControlSocket control;
  {
    PipeListener listener{control.loop, control.callback()};
    ASSERT_TRUE(listener.listen(control.path));

    struct stat file {};

    ASSERT_EQ(stat(control.path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777U, 0600U);
    StreamEnd client;
    client.take(std::move(*PipeConnection::connect(control.loop, control.path)));
    ASSERT_TRUE(run_until(control.loop, [&] { return control.server.open; }));
    EXPECT_EQ(control.uid, geteuid());
    EXPECT_EQ(client.stream->write(as_bytes("hello")), WriteResult::kQueued);
    ASSERT_TRUE(run_until(control.loop, [&] { return control.server.text == "hello"; }));
    control.server.stream.reset();
    ASSERT_TRUE(run_until(control.loop, [&] { return client.closed.has_value(); }));
  }
  EXPECT_NE(access(control.path.c_str(), F_OK), 0);
}

TEST(PipeListener, RefusesAnotherUserUnheard) {
  EXPECT_TRUE(may_control(1000, 1000));
  EXPECT_TRUE(may_control(0, 1000));
  EXPECT_FALSE(may_control(1001, 1000));
  EXPECT_FALSE(may_control(1000, 0));
  if (geteuid() != 0) {
    GTEST_SKIP() << "only root can make a connection as somebody else: run this test as root";
  }
  ControlSocket control;
  PipeListener listener{control.loop, control.callback()};
  ASSERT_TRUE(listener.listen(control.path));
  ASSERT_EQ(chmod(control.path.c_str(), 0666), 0);
  const pid_t child = fork();
  if (child == 0) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, control.path.c_str(), control.path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    char byte = 0;
    const bool turned_away =
        setuid(65534) == 0 &&
        ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::read(fd, &byte, 1) == 0;
    _exit(turned_away ? 0 : 1);
  }
  EXPECT_TRUE(run_until(control.loop, [&] { return listener.refused_peers() == 1; }));
  control.server.stream.reset();  // a child let in by mistake would wait for ever
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(control.uid.has_value());
}

TEST(PipeListener, ReplacesADeadSocketButNothingElse) {
  ControlSocket control;
  {
    // What a killed process leaves: a bound file nobody listens on.
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, control.path.c_str(), control.path.size());
    const Fd dead{::socket(AF_UNIX, SOCK_STREAM, 0)};
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  PipeListener first{control.loop, control.callback()};
  ASSERT_TRUE(first.listen(control.path));
  PipeListener second{control.loop, control.callback()};
  const auto in_use = second.listen(control.path);
  ASSERT_FALSE(in_use);
  EXPECT_NE(in_use.error().message.find("in use"), std::string::npos);

  const std::string plain = control.path + ".txt";
  std::ofstream{plain} << "precious";
  const auto no_socket = second.listen(plain);
  ASSERT_FALSE(no_socket);
  EXPECT_NE(no_socket.error().message.find("no socket"), std::string::npos);
  EXPECT_EQ(access(plain.c_str(), F_OK), 0);
  std::remove(plain.c_str());

  for (const std::string& path : {std::string{}, std::string(108, 'x')}) {
    const auto refused = second.listen(path);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("1 to 107 bytes"), std::string::npos);
  }
}

TEST(PipeConnection, NamesThePathItCannotReach) {
  Loop loop;
  const auto refused = PipeConnection::connect(loop, "/nonexistent/control.sock");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "cannot connect to \"/nonexistent/control.sock\": No such file or directory");
}

}  // namespace
}  // namespace sluice::net
