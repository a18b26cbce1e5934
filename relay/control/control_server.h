// ControlServer: the relay's end of the control socket (docs/CONTROL.md). It listens on a Unix
// socket and, where configured, on TCP with mutual TLS; says Hello; knows which room service is the
// active one (the highest epoch ever seen here); matches requests and answers in both directions
// and gives each its deadline. What a request means is its handler's affair (orders.h). Everything
// on the main loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/pipe.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "proto/base/address.h"
#include "proto/base/result.h"
#include "proto/schema/control.h"
#include "relay/control/connection.h"

namespace sluice::relay {

/// Two room services, a few tools, their reconnections. Double costs descriptors the media may
/// need.
inline constexpr std::size_t kControlConnectionsMax = 64;

/// Requests of one connection that wait for a worker. A room service that needs more waits itself.
inline constexpr std::size_t kControlRequestsMax = 256;

/// Either side gives up then. Half is within a garbage collector's pause; double is felt by a
/// person.
inline constexpr Duration kControlDeadline = std::chrono::milliseconds{500};

struct ControlCounts {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;  // answered or not
  std::uint64_t refusals = 0;  // answers that were a Status other than ok
  std::uint64_t timeouts = 0;  // in either direction
  std::uint64_t events = 0;
  bool room_service = false;  // an active one is connected
};

class ControlServer {
 public:
  /// Answers one request. Calls after the deadline, or twice, do nothing. Must not outlive the
  /// server.
  using Reply = std::function<void(schema::Message)>;

  struct Handlers {
    std::function<schema::Hello()> hello;
    std::function<void(const schema::Message& request, Reply reply)> request;
    std::function<std::vector<schema::Message>()> state;  // all of it, as events, for Resync
    schema::Key32 ticket_key{};
  };

  explicit ControlServer(net::Loop& loop, Duration deadline = kControlDeadline);
  ~ControlServer();

  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Before the first listen.
  void set_handlers(Handlers handlers);

  Status<Failure> listen_unix(const std::string& path);
  Result<Address, Failure> listen_tls(const Address& address, const net::TlsFiles& files);

  /// To the active room service. Counted also while there is none: it will see by the generation
  /// that it missed something.
  void publish(schema::Message event);

  /// Asks the active room service. Its answer, or nothing: none is connected, it left, or it did
  /// not answer within the deadline. The answer never comes from inside this call.
  using Answer = std::function<void(std::optional<schema::Message>)>;
  void ask(schema::Message request, Answer answer);

  std::uint64_t generation() const { return generation_; }

  ControlCounts counts() const;

  /// Ends every connection after what is queued; new ones are no longer taken.
  void close();

 private:
  struct Waiting {  // a request of a peer
    std::uint64_t connection = 0;
    std::uint64_t id = 0;
    Instant deadline{};
  };

  struct Asked {  // a request of ours
    std::uint64_t connection = 0;
    Instant deadline{};
    Answer answer;
  };

  void add(std::unique_ptr<net::ByteStream> stream);
  void on_pipe(std::unique_ptr<net::PipeConnection> pipe);
  void on_tcp(std::unique_ptr<net::TcpConnection> tcp);

  void on_open(ControlConnection& peer);
  void on_message(ControlConnection& peer, schema::Envelope& envelope);
  void on_closed(ControlConnection& peer);

  void handle_request(ControlConnection& peer, const schema::Envelope& envelope);
  void handle_answer(ControlConnection& peer, schema::Envelope& envelope);
  void attach(ControlConnection& peer, std::uint64_t id, const schema::Attach& request);
  void resync(ControlConnection& peer, std::uint64_t id, const schema::Resync& request);
  void forward(ControlConnection& peer, const schema::Envelope& envelope);

  void respond(ControlConnection& peer, std::uint64_t id, schema::Message message);
  void refuse(ControlConnection& peer, std::uint64_t id, schema::StatusCode code, std::string text);
  void finish(std::uint64_t serial, schema::Message message);
  void on_deadline();
  void arm_deadline();
  ControlConnection* find(std::uint64_t connection);

  ControlConnection* active() { return find(active_); }

  net::Loop& loop_;
  const Duration deadline_;
  Handlers handlers_;
  net::Timer deadline_timer_;
  std::map<std::uint64_t, std::unique_ptr<ControlConnection>> connections_;
  std::map<std::uint64_t, Waiting> waiting_;  // by serial: in the order of their deadlines
  std::map<std::uint64_t, Asked> asked_;      // by id, likewise
  std::uint64_t next_connection_ = 0, next_serial_ = 0, next_asked_ = 0;
  std::uint64_t active_ = 0;     // a connection; 0: none
  std::uint64_t epoch_max_ = 0;  // ever seen
  std::uint64_t generation_ = 0;
  ControlCounts counts_;
  std::optional<net::TlsContext> tls_;
  std::unique_ptr<net::PipeListener> pipe_listener_;
  std::unique_ptr<net::TcpListener> tcp_listener_;
};

}  // namespace sluice::relay
