#include "proto/crypto/sha1.h"

#include <gtest/gtest.h>

#include "proto/crypto/encoding.h"

namespace sluice::crypto {
namespace {

TEST(Sha1, HasTheStandardsExamples) {
  // FIPS 180-4's "abc", and the opening of RFC 6455 1.3.
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(
      to_base64(sha1(as_bytes("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")),
                Base64::kStandard),
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace sluice::crypto
