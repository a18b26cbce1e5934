#include "net/tls.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/address.h"
#include "net/tcp.h"
#include "tests/unit/net/stream_support.h"

namespace sluice::net {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

/// A key and a certificate, made for this run and written as the PEM files the library reads.
struct Identity {
  std::unique_ptr<EVP_PKEY, Free> key;
  std::unique_ptr<X509, Free> certificate;
  std::string key_file, certificate_file;
};

std::FILE* open_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  EXPECT_NE(file, nullptr) << path;
  return file;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, Free> extension{
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str())};
  ASSERT_NE(extension, nullptr);
  ASSERT_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

/// Signed by `issuer`, or by itself as an authority when there is none.
Identity make_identity(const std::string& name, const Identity* issuer) {
  Identity made;
  made.key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(
      certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate.get()));
  if (issuer == nullptr) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (issuer != nullptr)
    add_extension(certificate, NID_subject_alt_name, "DNS:relay.test,IP:127.0.0.1");
  X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
  const std::string stem =
      testing::TempDir() + "sluice-tls-" + std::to_string(getpid()) + "-" + name;
  made.key_file = stem + ".key";
  made.certificate_file = stem + ".crt";
  std::FILE* key_file = open_file(made.key_file);
  PEM_write_PrivateKey(key_file, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(key_file);
  std::FILE* certificate_file = open_file(made.certificate_file);
  PEM_write_X509(certificate_file, certificate);
  std::fclose(certificate_file);
  return made;
}

class Tls : public testing::Test {
 protected:
  static TlsFiles files(const Identity& own, const Identity& trusted) {
    return {own.certificate_file, own.key_file, trusted.certificate_file};
  }

  /// Runs until both ends are open, or both are closed.
  void connect(const TlsFiles& server_files, const TlsFiles& client_files,
               const std::string& name) {
    auto server_context = TlsContext::load(TlsContext::Role::kServer, server_files);
    auto client_context = TlsContext::load(TlsContext::Role::kClient, client_files);
    ASSERT_TRUE(server_context) << server_context.error().message;
    ASSERT_TRUE(client_context) << client_context.error().message;
    auto accept = [&](std::unique_ptr<TcpConnection> connection) {
      server.take(std::move(*TlsStream::wrap(std::move(connection), *server_context)));
    };
    TcpListener listener{loop, Callback<std::unique_ptr<TcpConnection>>::ref(accept)};
    const auto address = listener.listen(Address::v4(127, 0, 0, 1, 0));
    ASSERT_TRUE(address);
    auto connection = TcpConnection::connect(loop, *address);
    ASSERT_TRUE(connection);
    client.take(std::move(*TlsStream::wrap(std::move(*connection), *client_context, name)));
    server.on_close = [&] { server_error = server.stream->error(); };
    client.on_close = [&] { client_error = client.stream->error(); };
    EXPECT_TRUE(run_until(loop, [&] {
      if (server.closed) server.stream.reset();
      if (client.closed) client.stream.reset();
      return (server.open && client.open && !server.closed) || (server.closed && client.closed);
    }));
  }

  Identity ca = make_identity("ca", nullptr);
  Identity other_ca = make_identity("other-ca", nullptr);
  Identity server_identity = make_identity("server", &ca);
  Identity client_identity = make_identity("client", &ca);
  Identity stranger = make_identity("stranger", &other_ca);
  Loop loop;
  StreamEnd server;
  StreamEnd client;
  std::string server_error;
  std::string client_error;
};

TEST_F(Tls, CarriesBytesBetweenTwoWhoKnowEachOther) {
  for (const char* name : {"relay.test", "127.0.0.1"}) {
    connect(files(server_identity, ca), files(client_identity, ca), name);
    ASSERT_TRUE(server.open && client.open) << server_error << client_error;
    std::string expected;
    while (expected.size() < 300'000) {
      const auto bytes = pattern(50'000, static_cast<unsigned>(expected.size()));
      ASSERT_EQ(client.stream->write(bytes), WriteResult::kQueued);
      expected += text_of(bytes);
    }
    EXPECT_EQ(server.stream->write(as_bytes("answer")), WriteResult::kQueued);
    ASSERT_TRUE(run_until(
        loop, [&] { return server.text.size() >= expected.size() && !client.text.empty(); }));
    EXPECT_TRUE(server.text == expected);
    EXPECT_EQ(client.text, "answer");
    client.stream->close();
    ASSERT_TRUE(run_until(loop, [&] { return server.closed && client.closed; }));
    EXPECT_EQ(server.closed, CloseReason::kPeer);
    EXPECT_EQ(client.closed, CloseReason::kLocal);
    server = {};
    client = {};
  }
}

TEST_F(Tls, RefusesAPeerOfAnotherAuthorityOnEitherSide) {
  connect(files(server_identity, ca), files(stranger, ca), "relay.test");
  EXPECT_FALSE(server.open);
  EXPECT_EQ(server.closed, CloseReason::kError);
  EXPECT_NE(server_error.find("TLS handshake failed"), std::string::npos) << server_error;
  EXPECT_EQ(server.text, "");
  server = {};
  client = {};
  connect(files(stranger, ca), files(client_identity, ca), "relay.test");
  EXPECT_FALSE(client.open);
  EXPECT_FALSE(server.open);
  EXPECT_NE(client_error.find("unable to get local issuer certificate"), std::string::npos)
      << client_error;
}

TEST_F(Tls, RefusesAServerOfAnotherName) {
  connect(files(server_identity, ca), files(client_identity, ca), "other.test");
  EXPECT_FALSE(client.open);
  EXPECT_NE(client_error.find("hostname mismatch"), std::string::npos) << client_error;
}

TEST_F(Tls, AnswersGarbageWithAnErrorAndSurvivesACut) {
  auto context = TlsContext::load(TlsContext::Role::kServer, files(server_identity, ca));
  ASSERT_TRUE(context);
  auto accept = [&](std::unique_ptr<TcpConnection> connection) {
    server.take(std::move(*TlsStream::wrap(std::move(connection), *context)));
  };
  TcpListener listener{loop, Callback<std::unique_ptr<TcpConnection>>::ref(accept)};
  const auto address = listener.listen(Address::v4(127, 0, 0, 1, 0));
  client.take(std::move(*TcpConnection::connect(loop, *address)));
  ASSERT_TRUE(run_until(loop, [&] { return client.open; }));
  ASSERT_EQ(client.stream->write(as_bytes("GET / HTTP/1.1\r\n\r\n")), WriteResult::kQueued);
  ASSERT_TRUE(run_until(loop, [&] { return server.closed.has_value(); }));
  EXPECT_NE(server.stream->error().find("TLS handshake failed"), std::string::npos);
  server = {};
  client = {};
  client.take(std::move(*TcpConnection::connect(loop, *address)));
  ASSERT_TRUE(run_until(loop, [&] { return server.stream != nullptr; }));
  client.stream.reset();
  ASSERT_TRUE(run_until(loop, [&] { return server.closed.has_value(); }));
  EXPECT_EQ(server.closed, CloseReason::kError);
}

TEST_F(Tls, MayBeDestroyedWhileItDelivers) {
  connect(files(server_identity, ca), files(client_identity, ca), "relay.test");
  ASSERT_TRUE(server.open && client.open);
  server.on_text = [&] { server.stream.reset(); };
  ASSERT_EQ(client.stream->write(pattern(100'000)), WriteResult::kQueued);
  ASSERT_TRUE(run_until(loop, [&] { return server.stream == nullptr; }));
  ASSERT_TRUE(run_until(loop, [&] { return client.closed.has_value(); }));
}

TEST_F(Tls, NamesTheFileThatCannotBeUsedAndTheCure) {
  const struct {
    TlsFiles files;
    std::string_view expected;
  } cases[] = {
      {{"/nonexistent.crt", server_identity.key_file, ca.certificate_file},
       "certificate \"/nonexistent.crt\""},
      {{server_identity.certificate_file, client_identity.key_file, ca.certificate_file},
       "that belongs to the certificate"},
      {{server_identity.certificate_file, ca.certificate_file, ca.certificate_file},
       "unencrypted PEM"},
      {{server_identity.certificate_file, server_identity.key_file, server_identity.key_file},
       "authorities to trust"},
  };

  for (const auto& c : cases) {
    const auto context = TlsContext::load(TlsContext::Role::kServer, c.files);
    ASSERT_FALSE(context);
    EXPECT_NE(context.error().message.find(c.expected), std::string::npos)
        << context.error().message;
  }
  auto context = TlsContext::load(TlsContext::Role::kClient, files(client_identity, ca));
  ASSERT_TRUE(context);
  auto connection = TcpConnection::connect(loop, Address::v4(127, 0, 0, 1, 9));
  EXPECT_FALSE(TlsStream::wrap(std::move(*connection), *context));
}

}  // namespace
}  // namespace sluice::net
