#include "proto/crypto/client_handshake.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/crypto/cookie.h"
#include "tests/unit/crypto/handshake_pair.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Datagram = std::vector<std::byte>;

Datagram copied(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

class ClientTest : public ::testing::Test {
 protected:
  CookieMessage cookie_for(const Datagram& init, std::uint8_t fill,
                           CookieStatus status = CookieStatus::kCookieNeeded) {
    Mac cookie;
    cookie.fill(std::byte{fill});
    return make_cookie_reply(pair_.identity().key, status, init_nonce(init), cookie);
  }

  /// An ACCEPT of AES-128-GCM with any payload, as only the relay can seal it.
  Datagram seal_accept(const Datagram& init, Bytes payload) {
    const auto opened = pair_.open(init);
    Datagram accept = from_hex("03010000");
    std::ranges::copy(init_nonce(init), std::back_inserter(accept));
    accept.resize(kAcceptFixedBytes + payload.size() + kNoiseOverheadBytes);
    EXPECT_TRUE(opened->responder.write_reply(KeyPair::generate(pair_.random()), payload,
                                              MutableBytes{accept}.subspan(kAcceptFixedBytes)));
    return accept;
  }

  HandshakePair pair_;
  ClientHandshake client_ = pair_.make_client();
  Datagram init_ = copied(client_.poll_transmit(kStart));
};

TEST_F(ClientTest, AcceptGivesEverythingALinkNeeds) {
  const auto opened = pair_.open(init_);
  const Ticket resumed = pair_.make_ticket();
  const ResumeTicket resume{seal_ticket(pair_.ticket_key(), resumed, pair_.random()),
                            resumed.psk.copy()};
  const AcceptWritten accept = pair_.accept(*opened, &resume);
  auto progress = client_.handle_datagram(kStart, accept.message.view());
  ASSERT_TRUE(is<Accepted>(progress));
  const Accepted& accepted = std::get<Accepted>(*progress);
  EXPECT_EQ(accepted.suite, Suite::kAes128Gcm);
  EXPECT_EQ(accepted.link.connection_id, ConnectionId{0xFEDCBA987654});
  EXPECT_EQ(accepted.link.idle_timeout, kIdleTimeout);
  EXPECT_EQ(accepted.link.keepalive, kKeepalive);
  EXPECT_EQ(accepted.own_address, pair_.client_address());
  ASSERT_TRUE(accepted.resume);
  EXPECT_EQ(to_hex(accepted.resume->ticket.view()), to_hex(resume.ticket.view()));
  EXPECT_TRUE(accepted.resume->psk.equals(resume.psk));
  // P-HS-12: the same secrets on both sides, and not one for both directions.
  EXPECT_TRUE(accepted.secrets.client_to_relay.equals(accept.secrets.client_to_relay));
  EXPECT_TRUE(accepted.secrets.relay_to_client.equals(accept.secrets.relay_to_client));
  EXPECT_FALSE(accepted.secrets.client_to_relay.equals(accepted.secrets.relay_to_client));
  // It is over: nothing more is sent, nothing more is taken.
  EXPECT_TRUE(client_.poll_transmit(kStart + seconds{9}).empty());
  EXPECT_FALSE(client_.handle_datagram(kStart, accept.message.view()));
}

TEST_F(ClientTest, TheResumeTicketWorksLikeAnyOther) {
  const Ticket resumed = pair_.make_ticket();
  const ResumeTicket resume{seal_ticket(pair_.ticket_key(), resumed, pair_.random()),
                            resumed.psk.copy()};
  auto progress =
      client_.handle_datagram(kStart, pair_.accept(*pair_.open(init_), &resume).message.view());
  auto& handed_out = *std::get<Accepted>(*progress).resume;
  auto again = ClientHandshake::start(
      {pair_.identity().key.public_key, handed_out.ticket, std::move(handed_out.psk)},
      {kAllSuites, {}}, kStart, pair_.random());
  ASSERT_TRUE(again);
  EXPECT_TRUE(pair_.open(again->poll_transmit(kStart)));
}

TEST_F(ClientTest, EveryRefusalArrivesAsItself) {
  for (std::uint8_t status = 1; status <= 10; ++status) {
    auto client = pair_.make_client();
    const auto opened = pair_.open(client.poll_transmit(kStart));
    const std::string other = status == 8 ? "relay2.example:4433" : "";
    const auto progress = client.handle_datagram(
        kStart, pair_.refuse(*opened, HandshakeStatus{status}, other).view());
    ASSERT_TRUE(is<Refused>(progress)) << int{status};
    EXPECT_EQ(std::get<Refused>(*progress).status, HandshakeStatus{status});
    EXPECT_EQ(std::get<Refused>(*progress).alternative, other);
  }
}

TEST_F(ClientTest, NoBitOfAnAcceptMayChange) {
  const auto opened = pair_.open(init_);
  Datagram accept = copied(pair_.accept(*opened).message.view());
  for (std::size_t bit = 0; bit < accept.size() * 8; ++bit) {
    accept[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    ASSERT_FALSE(client_.handle_datagram(kStart, accept)) << bit;
    accept[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  for (std::size_t size = 0; size < accept.size(); ++size) {
    ASSERT_FALSE(client_.handle_datagram(kStart, Bytes{accept}.first(size))) << size;
  }
  EXPECT_TRUE(is<Accepted>(client_.handle_datagram(kStart, accept)));
}

// P-HS-07: the suite in the header has no key of its own; the one inside the seal must agree.
TEST_F(ClientTest, TheSuiteCannotBeSwapped) {
  const auto opened = pair_.open(init_);
  Datagram accept = copied(pair_.accept(*opened).message.view());
  Datagram refusal = copied(pair_.refuse(*opened, HandshakeStatus::kRoomFull).view());
  for (const std::byte suite : {std::byte{0}, std::byte{2}, std::byte{4}}) {
    accept[1] = suite;
    EXPECT_EQ(client_.handle_datagram(kStart, accept).error(), DropReason::kMalformed);
  }
  refusal[1] = std::byte{1};
  EXPECT_EQ(client_.handle_datagram(kStart, refusal).error(), DropReason::kMalformed);
  accept[1] = std::byte{1};
  EXPECT_TRUE(is<Accepted>(client_.handle_datagram(kStart, accept)));
}

TEST_F(ClientTest, AnAcceptForAnotherClientIsNotOurs) {
  auto other = pair_.make_client();
  const auto opened = pair_.open(other.poll_transmit(kStart));
  EXPECT_EQ(client_.handle_datagram(kStart, pair_.accept(*opened).message.view()).error(),
            DropReason::kUnknownConnection);
}

// P-HS-10, P-HS-09.
TEST_F(ClientTest, RepeatsTheSameInitMoreAndMoreSlowly) {
  std::vector<Instant> sent{kStart};
  for (Instant now = kStart; now < kStart + seconds{10};) {
    now = client_.next_deadline();
    client_.handle_timeout(now - Duration{1});
    EXPECT_TRUE(client_.poll_transmit(now - Duration{1}).empty());
    client_.handle_timeout(now);
    ASSERT_EQ(copied(client_.poll_transmit(now)), init_);
    EXPECT_TRUE(client_.poll_transmit(now).empty());
    sent.push_back(now);
  }
  Duration nominal = milliseconds{100};
  std::set<Duration> gaps;
  for (std::size_t i = 1; i < sent.size(); ++i) {
    if (sent[i - 1] - kStart >= seconds{1}) {
      nominal = std::min<Duration>(nominal * 3 / 2, seconds{1});
    }
    const Duration gap = sent[i] - sent[i - 1];
    EXPECT_GE(gap, nominal * 4 / 5) << i;
    EXPECT_LE(gap, nominal * 6 / 5) << i;
    gaps.insert(gap);
  }
  EXPECT_GT(gaps.size(), sent.size() / 2);  // the jitter is one
  EXPECT_EQ(client_.inits_sent(), sent.size());
}

// P-HS-06.
TEST_F(ClientTest, ACookieMakesANewInitWithANewEphemeralAndTheSameNonce) {
  CookieJar jar{kStart, pair_.random()};
  const Address from = pair_.client_address();
  const auto view = parse_init(init_);
  EXPECT_EQ(jar.verify(from, view->nonce, view->cookie).error(), DropReason::kCookieNeeded);
  const auto reply = make_cookie_reply(pair_.identity().key, CookieStatus::kCookieNeeded,
                                       view->nonce, jar.make(from, view->nonce));
  ASSERT_TRUE(is<StillTrying>(client_.handle_datagram(kStart, reply)));
  EXPECT_EQ(client_.hint(), CookieStatus::kCookieNeeded);
  const Datagram second = copied(client_.poll_transmit(kStart));
  const auto second_view = parse_init(second);
  ASSERT_TRUE(second_view);
  EXPECT_EQ(second_view->nonce, view->nonce);
  EXPECT_TRUE(jar.verify(from, second_view->nonce, second_view->cookie));
  EXPECT_NE(to_hex(second_view->noise.first(kKeyBytes)), to_hex(view->noise.first(kKeyBytes)));
  EXPECT_TRUE(is<Accepted>(
      client_.handle_datagram(kStart, pair_.accept(*pair_.open(second)).message.view())));
}

TEST_F(ClientTest, HintsChangeNothing) {
  for (const CookieStatus status :
       {CookieStatus::kUnknownVersion, CookieStatus::kUnknownRelayKey}) {
    EXPECT_TRUE(is<StillTrying>(client_.handle_datagram(kStart, cookie_for(init_, 0, status))));
    EXPECT_EQ(client_.hint(), status);
    EXPECT_TRUE(client_.poll_transmit(kStart).empty());
  }
  EXPECT_TRUE(is<Accepted>(
      client_.handle_datagram(kStart, pair_.accept(*pair_.open(init_)).message.view())));
}

TEST_F(ClientTest, CookiesAreTakenOnceIn100Milliseconds) {
  EXPECT_TRUE(client_.handle_datagram(kStart, cookie_for(init_, 1)));
  EXPECT_EQ(client_.handle_datagram(kStart + milliseconds{99}, cookie_for(init_, 2)).error(),
            DropReason::kRateLimited);
  EXPECT_TRUE(client_.handle_datagram(kStart + milliseconds{100}, cookie_for(init_, 3)));
}

// Somebody on the path answers every INIT first, with junk and forged cookies; the relay's ACCEPT
// to the first INIT is lost, so the relay refuses the later INITs as replays of the ticket.
TEST_F(ClientTest, ARacerOnThePathCannotEndTheAttempt) {
  const AcceptWritten accept = pair_.accept(*pair_.open(init_));
  Instant now = kStart;
  for (std::uint8_t i = 0; i < 20; ++i) {
    now += milliseconds{100};
    Datagram junk = copied(accept.message.view());
    junk[100] ^= std::byte{1};
    EXPECT_FALSE(client_.handle_datagram(now, junk));
    EXPECT_TRUE(client_.handle_datagram(now, cookie_for(init_, i)));
    const Datagram later = copied(client_.poll_transmit(now));
    const auto opened = pair_.open(later);
    ASSERT_TRUE(opened);
    if (i % 2 == 0) continue;
    const auto refusal = pair_.refuse(*opened, HandshakeStatus::kTicketReplayed);
    EXPECT_TRUE(is<StillTrying>(client_.handle_datagram(now, refusal.view())));
  }
  EXPECT_TRUE(is<Accepted>(client_.handle_datagram(now, accept.message.view())));
}

TEST_F(ClientTest, GoesBackToTheFirstInitWhenTheOthersAreRefusedAsReplayed) {
  EXPECT_TRUE(client_.handle_datagram(kStart, cookie_for(init_, 1)));
  const auto opened = pair_.open(copied(client_.poll_transmit(kStart)));
  const auto refusal = pair_.refuse(*opened, HandshakeStatus::kTicketReplayed);
  EXPECT_TRUE(is<StillTrying>(client_.handle_datagram(kStart, refusal.view())));
  EXPECT_EQ(copied(client_.poll_transmit(kStart)), init_);
  // The last one left: now it is the truth.
  const auto last = pair_.refuse(*pair_.open(init_), HandshakeStatus::kTicketReplayed);
  EXPECT_TRUE(is<Refused>(client_.handle_datagram(kStart, last.view())));
}

TEST_F(ClientTest, OtherDatagramsAreDroppedByName) {
  const auto reason = [&](Datagram datagram) {
    return client_.handle_datagram(kStart, datagram).error();
  };
  EXPECT_EQ(reason({}), DropReason::kRunt);
  EXPECT_EQ(reason(init_), DropReason::kUnknownType);
  EXPECT_EQ(reason(Datagram(23, std::byte{4})), DropReason::kUnknownType);
  EXPECT_EQ(reason(Datagram(100, std::byte{0x40})), DropReason::kUnknownType);
  EXPECT_EQ(reason(Datagram(kAcceptBytesMin - 1, std::byte{3})), DropReason::kRunt);
  EXPECT_EQ(reason(Datagram(kAcceptBytesMax + 1, std::byte{3})), DropReason::kOversize);
  EXPECT_EQ(reason(Datagram(kCookieBytes - 1, std::byte{2})), DropReason::kRunt);
}

// What a relay of another mind might put inside a valid seal (P-HS-05).
TEST_F(ClientTest, SealedAnswersAreCheckedToo) {
  const std::string status = "01000100";
  const std::string suite = "06000101";
  const std::string link =
      "02001e"
      "000000000001" +
      std::string(32, 'a') + "0000753000002710";

  struct Case {
    const char* what;
    std::string list;
    bool taken;
  };

  const Case cases[] = {
      {"the least there is", status + suite + link + "00", true},
      {"unknown tag skipped", status + suite + link + "630001ff" + "00", true},
      {"no end", status + suite + link, false},
      {"no status", suite + link + "00", false},
      {"no suite", status + link + "00", false},
      {"no link", status + suite + "00", false},
      {"status of two bytes", "0100020000" + suite + link + "00", false},
      {"suite twice", status + suite + suite + link + "00", false},
      {"connection id zero",
       status + suite +
           "02001e"
           "000000000000" +
           std::string(32, 'a') +
           "0000753000002710"
           "00",
       false},
      {"idle timeout zero",
       status + suite +
           "02001e"
           "000000000001" +
           std::string(32, 'a') +
           "0000000000002710"
           "00",
       false},
      {"link too short",
       status + suite +
           "02000400000001"
           "00",
       false},
      {"resume too short",
       status + suite + link +
           "0300020000"
           "00",
       false},
      {"address too short",
       status + suite + link +
           "04000101"
           "00",
       false},
  };
  for (const Case& c : cases) {
    auto client = pair_.make_client();
    const Datagram init = copied(client.poll_transmit(kStart));
    const auto progress = client.handle_datagram(kStart, seal_accept(init, from_hex(c.list)));
    EXPECT_EQ(is<Accepted>(progress), c.taken) << c.what;
    if (!c.taken) {
      EXPECT_EQ(progress.error(), DropReason::kMalformed) << c.what;
    }
  }
}

TEST_F(ClientTest, ASuiteThatWasNotOfferedIsNotTaken) {
  auto client = pair_.make_client(SuiteSet{6});
  auto opened = pair_.open(client.poll_transmit(kStart));
  InitOpened forged{std::move(opened->responder), opened->nonce, kAllSuites, {}};
  const auto accept = pair_.accept(forged);  // takes AES-128-GCM
  EXPECT_EQ(client.handle_datagram(kStart, accept.message.view()).error(), DropReason::kMalformed);
}

TEST(ClientSetup, NamesWhatIsWrongWithTheCredentials) {
  HandshakePair pair;
  const auto start = [&](ClientCredentials credentials, std::size_t early_bytes) {
    const std::vector<std::byte> early(early_bytes);
    return ClientHandshake::start(std::move(credentials), {kAllSuites, early}, kStart,
                                  pair.random());
  };
  EXPECT_TRUE(start(pair.make_credentials(), kEarlyRoomBytesMax));
  EXPECT_EQ(start(pair.make_credentials(), kEarlyRoomBytesMax + 1).error(),
            HandshakeSetupError::kEarlyRoomBytes);
  ClientCredentials credentials = pair.make_credentials();
  credentials.ticket.resize(kSealedTicketBytesMin - 1);
  EXPECT_EQ(start(std::move(credentials), 0).error(), HandshakeSetupError::kTicketLength);
  credentials = pair.make_credentials();
  credentials.relay = PublicKey{};
  EXPECT_EQ(start(std::move(credentials), 0).error(), HandshakeSetupError::kRelayKey);
}

}  // namespace
}  // namespace sluice::crypto
