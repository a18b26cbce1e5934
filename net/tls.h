// TLS over any ByteStream, with memory BIOs. For the control socket over TCP: 1.3, both ends show a
// certificate and accept only one that chains to the pinned CA file. For clients of public servers
// (https): 1.2 at least, the system's authorities, no certificate of our own. A client always
// checks the server's name.
#pragma once

#include <memory>
#include <string>

#include "net/stream.h"
#include "proto/base/result.h"

// OpenSSL's own names; its headers stay in tls.cpp.
struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace sluice::net {

/// PEM files.
struct TlsFiles {
  std::string certificate;  // own certificate, then its intermediates
  std::string key;
  std::string ca;  // the only authorities whose certificates are accepted from the peer
};

class TlsContext {
 public:
  enum class Role : std::uint8_t { kServer, kClient };

  /// The Failure names the file that cannot be used and the cure.
  static Result<TlsContext, Failure> load(Role role, const TlsFiles& files);

  /// Of a client that trusts the system's authorities, or those of the file that the environment's
  /// SSL_CERT_FILE names.
  static Result<TlsContext, Failure> load_public();

  Role role() const { return role_; }

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };

  TlsContext(Role role, ssl_ctx_st* context) : role_(role), context_(context) {}

  static Result<TlsContext, Failure> make(Role role, int least_version);

  Role role_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

class TlsStream final : public ByteStream {
 public:
  /// Takes the stream over before its start(). `server_name`: what the server's certificate must be
  /// for, a DNS name or an IP literal; a server leaves it empty.
  static Result<std::unique_ptr<TlsStream>, Failure> wrap(std::unique_ptr<ByteStream> under,
                                                          const TlsContext& context,
                                                          const std::string& server_name = {});

  /// For wrap() alone.
  explicit TlsStream(std::unique_ptr<ByteStream> under) : under_(std::move(under)) {}

  ~TlsStream() override;

  void start(const StreamHandlers& handlers) override;
  [[nodiscard]] WriteResult write(Bytes bytes) override;
  void close() override;

  std::size_t queued_bytes() const override { return under_->queued_bytes(); }

  const std::string& error() const override { return error_; }

 private:
  enum class State : std::uint8_t { kIdle, kHandshake, kOpen, kClosing, kClosed };

  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  void on_under_open();
  void on_under_bytes(Bytes bytes);
  void on_under_closed(CloseReason reason);
  bool advance_handshake();
  void deliver_plaintext();
  WriteResult send_ciphertext();
  template <class F>
  bool survives(F call);
  void fail(std::string why);
  void finish(CloseReason reason);

  std::unique_ptr<ByteStream> under_;
  std::unique_ptr<ssl_st, Free> ssl_;
  bio_st* incoming_ = nullptr;  // owned by ssl_
  bio_st* outgoing_ = nullptr;
  StreamHandlers handlers_;
  State state_ = State::kIdle;
  bool* destroyed_ = nullptr;  // where a callback that is running learns that this died in it
  std::string error_;
};

}  // namespace sluice::net
