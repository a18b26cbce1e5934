#include "net/tls.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proto/base/check.h"

namespace sluice::net {

namespace {

/// Largest plaintext of a TLS record (RFC 8446 5.1), and more than each costs beside it.
constexpr std::size_t kRecordBytes = 16U << 10U;
constexpr std::size_t kRecordOverheadBytes = 64;

/// The oldest error of the thread's queue, the one nearest to the cause; empties the queue.
std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

Failure file_failure(std::string_view what, const std::string& file, std::string_view cure) {
  return {"cannot use the " + std::string{what} + " \"" + file + "\": " + openssl_reason() + "; " +
          std::string{cure}};
}

Status<Failure> load_files(SSL_CTX* context, const TlsFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return Unexpected{
        file_failure("certificate", files.certificate,
                     "it must be a readable PEM file: own certificate, then intermediates")};
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Unexpected{file_failure(
        "private key", files.key,
        "it must be a readable, unencrypted PEM file that belongs to the certificate \"" +
            files.certificate + "\"")};
  }
  if (SSL_CTX_load_verify_file(context, files.ca.c_str()) != 1) {
    return Unexpected{file_failure("CA file", files.ca,
                                   "it must be a readable PEM file with the authorities to trust")};
  }
  return Done{};
}

bool is_ip_literal(const std::string& name) {
  in6_addr unused{};
  return inet_pton(AF_INET, name.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &unused) == 1;
}

bool expect_name(SSL* ssl, const std::string& name) {
  if (is_ip_literal(name)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  // SSL_set_tlsext_host_name() without the C cast of its macro; OpenSSL copies the name.
  return SSL_set1_host(ssl, name.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(name.c_str())) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContext, Failure> TlsContext::make(Role role, int least_version) {
  ERR_clear_error();
  TlsContext result{role,
                    SSL_CTX_new(role == Role::kServer ? TLS_server_method() : TLS_client_method())};
  SSL_CTX* context = result.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, least_version) != 1) {
    return Unexpected{Failure{"cannot start TLS: " + openssl_reason()}};
  }
  // Connections are few and long: no resumption, so every one proves its certificate anew.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return result;
}

Result<TlsContext, Failure> TlsContext::load(Role role, const TlsFiles& files) {
  auto result = make(role, TLS1_3_VERSION);
  if (!result) return result;
  SSL_CTX* context = result->get();
  // An encrypted key fails instead of asking a terminal for its password.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (auto loaded = load_files(context, files); !loaded) return Unexpected{loaded.error()};
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_num_tickets(context, 0);
  return result;
}

Result<TlsContext, Failure> TlsContext::load_public() {
  auto result = make(Role::kClient, TLS1_2_VERSION);
  if (!result) return result;
  if (SSL_CTX_set_default_verify_paths(result->get()) != 1) {
    return Unexpected{Failure{"cannot load the system's TLS authorities: " + openssl_reason() +
                              "; is ca-certificates installed?"}};
  }
  SSL_CTX_set_verify(result->get(), SSL_VERIFY_PEER, nullptr);
  return result;
}

void TlsStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Result<std::unique_ptr<TlsStream>, Failure> TlsStream::wrap(std::unique_ptr<ByteStream> under,
                                                            const TlsContext& context,
                                                            const std::string& server_name) {
  ERR_clear_error();
  auto stream = std::make_unique<TlsStream>(std::move(under));
  stream->ssl_.reset(SSL_new(context.get()));
  SSL* ssl = stream->ssl_.get();
  BIO* incoming = BIO_new(BIO_s_mem());
  BIO* outgoing = BIO_new(BIO_s_mem());
  CHECK(ssl != nullptr && incoming != nullptr && outgoing != nullptr);  // only without memory
  SSL_set_bio(ssl, incoming, outgoing);
  stream->incoming_ = incoming;
  stream->outgoing_ = outgoing;
  if (context.role() == TlsContext::Role::kServer) {
    SSL_set_accept_state(ssl);
    return stream;
  }
  SSL_set_connect_state(ssl);
  if (server_name.empty() || !expect_name(ssl, server_name)) {
    return Unexpected{
        Failure{"\"" + server_name + "\" is no name a TLS server's certificate can have"}};
  }
  return stream;
}

TlsStream::~TlsStream() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

/// Runs `call`, in which the owner may destroy this; false when it did.
template <class F>
bool TlsStream::survives(F call) {
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  call();
  if (destroyed) {
    if (outer != nullptr) *outer = true;
    return false;
  }
  destroyed_ = outer;
  return true;
}

void TlsStream::start(const StreamHandlers& handlers) {
  CHECK(state_ == State::kIdle);
  handlers_ = handlers;
  state_ = State::kHandshake;
  under_->start({.on_open = Callback<>::to<&TlsStream::on_under_open>(this),
                 .on_bytes = Callback<Bytes>::to<&TlsStream::on_under_bytes>(this),
                 .on_closed = Callback<CloseReason>::to<&TlsStream::on_under_closed>(this)});
}

void TlsStream::on_under_open() { static_cast<void>(advance_handshake()); }

void TlsStream::on_under_bytes(Bytes bytes) {
  if (state_ != State::kHandshake && state_ != State::kOpen) return;
  // A memory BIO takes all it is given; 64 KiB at most, and all of it is consumed below.
  CHECK(BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size())) ==
        static_cast<int>(bytes.size()));
  if (state_ == State::kHandshake && !advance_handshake()) return;
  if (state_ == State::kOpen) deliver_plaintext();
}

/// True when the handshake is done and the stream still lives.
bool TlsStream::advance_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  if (result != 1 && error != SSL_ERROR_WANT_READ) {
    const long verdict = SSL_get_verify_result(ssl_.get());
    const std::string reason =
        verdict == X509_V_OK ? openssl_reason() : X509_verify_cert_error_string(verdict);
    static_cast<void>(send_ciphertext());  // the alert that tells the peer
    fail("TLS handshake failed: " + reason);
    return false;
  }
  // Its own failure arrives by on_under_closed.
  static_cast<void>(send_ciphertext());
  if (result != 1) return false;
  state_ = State::kOpen;
  return survives([on_open = handlers_.on_open] { on_open(); });
}

void TlsStream::deliver_plaintext() {
  std::array<std::byte, kRecordBytes> plaintext;
  while (state_ == State::kOpen) {
    ERR_clear_error();
    const int bytes = SSL_read(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
    if (bytes <= 0) {
      const int error = SSL_get_error(ssl_.get(), bytes);
      if (error == SSL_ERROR_ZERO_RETURN) return finish(CloseReason::kPeer);
      if (error != SSL_ERROR_WANT_READ) return fail("TLS failed: " + openssl_reason());
      // Reading may have answered: a key update.
      static_cast<void>(send_ciphertext());
      return;
    }
    const Bytes got{plaintext.data(), static_cast<std::size_t>(bytes)};
    if (!survives([&, on_bytes = handlers_.on_bytes] { on_bytes(got); })) return;
  }
}

WriteResult TlsStream::write(Bytes bytes) {
  if (state_ != State::kOpen) return WriteResult::kNotOpen;
  if (bytes.empty()) return WriteResult::kQueued;
  // Asked before it is sealed: a sealed record that is not sent would break the stream.
  const std::size_t sealed =
      bytes.size() + (bytes.size() / kRecordBytes + 1) * kRecordOverheadBytes;
  if (sealed + under_->queued_bytes() > kStreamQueueBytesMax) return WriteResult::kFull;
  ERR_clear_error();
  const int written = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (written != static_cast<int>(bytes.size())) return WriteResult::kNotOpen;
  return send_ciphertext();
}

WriteResult TlsStream::send_ciphertext() {
  char* data = nullptr;
  const long size = BIO_ctrl(outgoing_, BIO_CTRL_INFO, 0, &data);
  if (size <= 0) return WriteResult::kQueued;
  const WriteResult result = under_->write(as_bytes({data, static_cast<std::size_t>(size)}));
  static_cast<void>(BIO_reset(outgoing_));
  return result;
}

void TlsStream::close() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (state_ == State::kOpen) {
    // 0: our close_notify is made and theirs not seen yet, which nobody waits for.
    static_cast<void>(SSL_shutdown(ssl_.get()));
    static_cast<void>(send_ciphertext());
  }
  state_ = State::kClosing;
  under_->close();
}

void TlsStream::on_under_closed(CloseReason reason) {
  if (state_ == State::kClosing) return finish(CloseReason::kLocal);
  if (reason == CloseReason::kError) return fail(under_->error());
  fail(state_ == State::kHandshake ? "the peer ended the connection during the TLS handshake"
                                   : "the connection was cut: TLS was not closed in order");
}

void TlsStream::fail(std::string why) {
  error_ = std::move(why);
  finish(CloseReason::kError);
}

void TlsStream::finish(CloseReason reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const auto on_closed = handlers_.on_closed;  // the stream may die in it
  on_closed(reason);
}

}  // namespace sluice::net
