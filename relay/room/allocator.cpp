#include "relay/room/allocator.h"

#include <algorithm>

#include "relay/room/member.h"
#include "relay/stream/stream.h"

namespace sluice::relay {

namespace {

/// Of a path for media: the rest is for repairs and for what the estimate is wrong by.
constexpr std::uint64_t kSharePercent = 90;

/// Headers, per cent of media: 60 bytes of UDP, IP and our own to 1175 of a full part.
constexpr std::uint64_t kOverheadPercent = 106;

/// A rendition that is sent may exceed the subscriber's limit by this before it is taken away:
/// rates swing about their mean.
constexpr std::uint64_t kLimitSlackPercent = 115;

bool has_choice(const Subscription& subscription) {
  return subscription.renditions().size() > 1 || subscription.video_bits_per_s_max() != 0;
}

/// Sounds and data, which are never left out.
std::uint64_t sound_bits_per_s(Instant now, const Subscription& subscription) {
  std::uint64_t sum = 0;
  Stream& stream = subscription.stream();
  for (std::size_t i = 0; i < stream.track_count(); ++i) {
    if (!subscription.wants(i) || stream.track(i).kind() == TrackKind::kVideo) continue;
    sum += stream.track(i).bits_per_s(now);
  }
  return sum;
}

}  // namespace

void Allocator::run(Instant now, Member& member) {
  const auto& subscriptions = member.subscriptions;
  if (std::none_of(subscriptions.begin(), subscriptions.end(),
                   [](const auto* s) { return has_choice(*s); })) {
    return;
  }
  collect(now, member);
  const std::uint64_t path = kPacerBitsPerSecond * kSharePercent / kOverheadPercent;
  if (!member.admitted) member.admitted.emplace(path);
  const std::uint64_t rate = member.admitted->update(now, path, member.granted_bits_per_s);
  const std::uint64_t granted = allocate(rate, wishes_, grants_);
  if (granted > member.granted_bits_per_s) member.admitted->note_rise(now);
  member.granted_bits_per_s = granted;
  for (std::size_t i = 0; i < choices_.size(); ++i) tell(now, choices_[i], grants_[i]);
}

void Allocator::collect(Instant now, Member& member) {
  choices_.clear();
  rates_.clear();
  renditions_.clear();
  wishes_.clear();
  for (Subscription* subscription : member.subscriptions) {
    if (wishes_.size() == kWishesMax) break;
    Wish& wish = wishes_.emplace_back();
    wish.priority = subscription->priority();
    wish.audio_bits_per_s = sound_bits_per_s(now, *subscription);
    add_choices(now, *subscription);
  }
  // Only now they do not move any more.
  for (std::size_t i = 0; i < wishes_.size(); ++i) {
    wishes_[i].video = std::span{rates_}.subspan(choices_[i].first, choices_[i].count);
  }
  grants_.resize(wishes_.size());
}

void Allocator::add_choices(Instant now, Subscription& subscription) {
  Choices choices{&subscription, rates_.size(), 0};
  Stream& stream = subscription.stream();
  const std::span<const std::uint8_t> all = subscription.renditions();
  const std::uint64_t limit = subscription.video_bits_per_s_max();
  for (std::size_t r = all.size(); r-- > 0;) {
    if (all.size() > 1 && !stream.is_alive(all[r])) continue;
    const std::uint64_t rate = stream.track(all[r]).bits_per_s(now);
    const bool is_sent = subscription.choice().current() == r;
    const std::uint64_t most = is_sent ? limit * kLimitSlackPercent / 100 : limit;
    // Of one that has not begun nothing is known: only the smallest is worth the risk.
    const bool unknown = rate == 0 && choices.count > 0;
    if (limit != 0 && (rate > most || unknown)) continue;
    const bool rises = choices.count == 0 || rate > rates_.back();
    rates_.push_back(rises ? rate : rates_.back());
    renditions_.push_back(static_cast<Rendition>(r));
    ++choices.count;
  }
  choices_.push_back(choices);
}

void Allocator::tell(Instant now, const Choices& choices, const Grant& grant) {
  Subscription& subscription = *choices.subscription;
  if (subscription.renditions().empty()) return;
  using Reason = wire::Sending::Reason;
  if (!grant.video) {
    const Reason why = choices.count > 0 ? Reason::kBandwidth : Reason::kAsWanted;
    return subscription.want(now, std::nullopt, why);
  }
  const Rendition rendition = renditions_[choices.first + *grant.video];
  const bool best = *grant.video + 1U == choices.count;
  subscription.want(now, rendition, best ? Reason::kAsWanted : Reason::kBandwidth);
}

}  // namespace sluice::relay
