#include "tests/unit/control/fake_relay.h"

#include <algorithm>
#include <optional>

#include "tests/unit/schema/samples.h"

namespace sluice::relay {
namespace {

std::optional<FakeRelay> fake;

constexpr auto kPublicKey = [] {
  std::array<std::byte, 32> key{};
  key.fill(std::byte{0x11});
  return key;
}();

std::string text(const RoomName& room, const UserName& user) {
  return std::string{room.view()} + " " + std::string{user.view()};
}

std::string text(std::optional<InstanceId> instance) {
  return instance ? std::to_string(static_cast<std::uint64_t>(*instance)) : "all";
}

void order(std::string what, const Relay::Count& answer) {
  fake->orders.push_back(std::move(what));
  answer(fake->touched);
}

}  // namespace

FakeRelay& fake_relay() { return *fake; }

std::unique_ptr<Relay> start_fake_relay(net::Loop& loop) {
  auto relay = Relay::start({}, loop, [](const RelayEvent&) {});
  return *std::move(relay);
}

struct Relay::State {};

Relay::Relay(std::unique_ptr<State> state) : state_(std::move(state)) {}

Relay::~Relay() = default;

Result<std::unique_ptr<Relay>, Failure> Relay::start(const RelayOptions& options, net::Loop&,
                                                     EventSink) {
  fake.emplace();
  fake->options = options;
  return std::unique_ptr<Relay>{new Relay(std::make_unique<State>())};
}

Address Relay::address() const { return Address::v4(127, 0, 0, 1, 4700); }

std::span<const std::byte, 32> Relay::public_key() const { return kPublicKey; }

RelayKeyId Relay::key_id() const { return RelayKeyId{42}; }

std::span<const std::byte, 32> Relay::ticket_key() const { return kPublicKey; }

IssuedTicket Relay::issue_ticket(const TicketRequest& request) const {
  fake->ticket = request;
  return {schema::some_bytes(100), schema::counted_from<32>(1), UnixSeconds{1'700'000'060}};
}

void Relay::rooms(std::function<void(std::vector<RoomSnapshot>)> answer) { answer(fake->rooms); }

void Relay::members(const RoomName& room, std::function<void(std::vector<MemberSnapshot>)> answer) {
  answer(fake->members[room]);
}

void Relay::kick(const RoomName& room, const UserName& user, std::optional<InstanceId> instance,
                 Count answer) {
  order("kick " + text(room, user) + " " + text(instance), answer);
}

void Relay::admit(const RoomName& room, const UserName& user, Count answer) {
  order("admit " + text(room, user), answer);
}

void Relay::set_rights(const RoomName& room, const UserName& user,
                       std::optional<InstanceId> instance, Rights rights, Count answer) {
  order("rights " + text(room, user) + " " + text(instance) + " " + std::to_string(rights), answer);
}

void Relay::open_room(const RoomName& room, const RoomLimits& limits, Count answer) {
  order("open " + std::string{room.view()} + " " + std::to_string(limits.members_max) + " " +
            std::to_string(limits.streams_max),
        answer);
}

void Relay::close_room(const RoomName& room, Count answer) {
  order("close " + std::string{room.view()}, answer);
}

void Relay::request_key(const RoomName& room, const StreamName& stream, Count answer) {
  order("key " + std::string{room.view()} + " " + std::string{stream.view()}, answer);
}

void Relay::drain(Duration grace, std::function<void()> done) {
  fake->orders.push_back("drain " + std::to_string(grace.count()));
  fake->draining = true;
  done();
}

bool Relay::draining() const { return fake->draining; }

const DoorMetrics& Relay::door_metrics() const { return fake->door; }

std::size_t Relay::worker_count() const { return fake->workers.size(); }

const WorkerMetrics& Relay::worker_metrics(std::size_t worker) const {
  return fake->workers[worker];
}

std::string masked_address(const Address&) { return "192.0.2.x"; }

}  // namespace sluice::relay
