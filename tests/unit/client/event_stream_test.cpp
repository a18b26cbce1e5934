#include "client/rooms/event_stream.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "proto/crypto/secret.h"

namespace sluice::client {
namespace {

/// RFC 6455 1.3: this nonce is the key "dGhlIHNhbXBsZSBub25jZQ==".
RandomSource sample_nonce() {
  return {[](void*, MutableBytes out) {
            constexpr std::string_view kNonce = "the sample nonce";
            std::memcpy(out.data(), kNonce.data(), std::min(out.size(), kNonce.size()));
          },
          nullptr};
}

constexpr std::string_view kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::string frame(int first, std::string_view data) {
  std::string text{static_cast<char>(first)};
  if (data.size() < 126) {
    text += static_cast<char>(data.size());
  } else {
    text += static_cast<char>(126);
    text += static_cast<char>(data.size() >> 8U);
    text += static_cast<char>(data.size() & 0xFFU);
  }
  return text.append(data);
}

EventStream open_stream() {
  EventStream stream{sample_nonce()};
  static_cast<void>(stream.request("/events", "h", ""));
  EXPECT_EQ(stream.handle_bytes(as_bytes(kSwitched)), EventStream::State::kOpen);
  return stream;
}

TEST(EventStream, AsksForAnUpgradeAndChecksTheAnswer) {
  EventStream stream{sample_nonce()};
  const std::string request = stream.request("/v1/rooms/r/events?after=7", "host:1", "jwt");
  EXPECT_EQ(request,
            "GET /v1/rooms/r/events?after=7 HTTP/1.1\r\nhost: host:1\r\nupgrade: websocket\r\n"
            "connection: Upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "sec-websocket-version: 13\r\nauthorization: Bearer jwt\r\n\r\n");
  for (const char c : kSwitched.substr(0, kSwitched.size() - 1)) {
    EXPECT_EQ(stream.handle_bytes(as_bytes(std::string{c})), EventStream::State::kOpening);
  }
  EXPECT_EQ(stream.handle_bytes(as_bytes("\n")), EventStream::State::kOpen);

  EventStream fooled{sample_nonce()};
  static_cast<void>(fooled.request("/", "h", ""));
  std::string wrong{kSwitched};
  wrong.replace(wrong.find("s3pP"), 4, "S3PP");
  EXPECT_EQ(fooled.handle_bytes(as_bytes(wrong)), EventStream::State::kEnded);
  EXPECT_EQ(fooled.reason(), "this is no WebSocket");
}

TEST(EventStream, ARefusalIsTheAnswerOfTheServer) {
  EventStream stream{sample_nonce()};
  static_cast<void>(stream.request("/", "h", ""));
  stream.handle_bytes(as_bytes("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n{"));
  EXPECT_EQ(stream.state(), EventStream::State::kOpening);
  EXPECT_EQ(stream.handle_bytes(as_bytes("}")), EventStream::State::kEnded);
  ASSERT_TRUE(stream.refusal());
  EXPECT_EQ(stream.refusal()->status, 403);
  EXPECT_EQ(stream.refusal()->body, "{}");
}

TEST(EventStream, HandsOutTextsHoweverTheyAreCut) {
  EventStream stream = open_stream();
  const std::string large(1000, 'x');
  const std::string bytes = frame(0x81, "one") + frame(0x01, "tw") + frame(0x89, "ping") +
                            frame(0x80, "o") + frame(0x81, large) + frame(0x82, "binary");
  for (const char c : bytes) {
    EXPECT_EQ(stream.handle_bytes(as_bytes(std::string{c})), EventStream::State::kOpen);
  }
  EXPECT_EQ(stream.poll_text(), "one");
  EXPECT_EQ(stream.poll_text(), "two");
  EXPECT_EQ(stream.poll_text(), large);
  EXPECT_FALSE(stream.poll_text());
  // The pong is masked with "the ".
  const std::string pong = stream.take_output();
  ASSERT_EQ(pong.size(), 10U);
  EXPECT_EQ(pong.substr(0, 6), "\x8A\x84the ");
  EXPECT_EQ(static_cast<char>(pong[6] ^ 't'), 'p');
  EXPECT_EQ(static_cast<char>(pong[9] ^ ' '), 'g');
  EXPECT_EQ(stream.take_output(), "");
}

TEST(EventStream, EndsWithCodeAndReason) {
  EventStream stream = open_stream();
  using namespace std::string_literals;
  stream.handle_bytes(as_bytes(frame(0x81, "last") + frame(0x88,
                                                           "\x03\xE8"
                                                           "dissolved")));
  EXPECT_EQ(stream.state(), EventStream::State::kEnded);
  EXPECT_EQ(stream.poll_text(), "last");
  EXPECT_EQ(stream.code(), 1000);
  EXPECT_EQ(stream.reason(), "dissolved");
  EXPECT_EQ(stream.take_output().substr(0, 2), "\x88\x82");
  EventStream bare = open_stream();
  bare.handle_bytes(as_bytes(frame(0x88, "")));
  EXPECT_EQ(bare.code(), 1005);
}

TEST(EventStream, WhatBreaksTheProtocolEndsIt) {
  using namespace std::string_literals;

  const struct {
    std::string bytes;
    const char* reason;
  } table[] = {
      {frame(0xC1, "x"), "a frame that a server may not send"},
      {"\x81\x81"
       "mask"s +
           "x",
       "a frame that a server may not send"},
      {"\x81\x7F\x00\x00\x00\x00\x00\x04\x00\x01"s, "an event that is too large"},
      {"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s, "an event that is too large"},
      {frame(0x09, "x"), "a control frame in parts"},
      {frame(0x89, std::string(126, 'x')), "a control frame in parts"},
      {frame(0x80, "x"), "a message out of its order"},
      {frame(0x01, "x") + frame(0x81, "y"), "a message out of its order"},
      {frame(0x83, "x"), "a frame of an unknown kind"},
  };

  for (const auto& row : table) {
    EventStream stream = open_stream();
    EXPECT_EQ(stream.handle_bytes(as_bytes(row.bytes)), EventStream::State::kEnded) << row.reason;
    EXPECT_EQ(stream.reason(), row.reason);
    EXPECT_EQ(stream.code(), 0);
  }
  // Parts of one message count together.
  EventStream stream = open_stream();
  const std::string part(60'000, 'x');
  stream.handle_bytes(as_bytes(frame(0x01, part)));
  for (int i = 0; i < 5; ++i) stream.handle_bytes(as_bytes(frame(0x00, part)));
  EXPECT_EQ(stream.reason(), "an event that is too large");
}

}  // namespace
}  // namespace sluice::client
