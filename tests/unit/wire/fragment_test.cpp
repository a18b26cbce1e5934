#include "proto/wire/fragment.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/wire/frame.h"

namespace sluice::wire {
namespace {

using Octets = std::vector<std::byte>;

Octets random_bytes(std::size_t count) {
  std::mt19937 random(static_cast<std::uint32_t>(count));
  Octets out(count);
  std::generate(out.begin(), out.end(), [&] { return std::byte(random() & 0xFFU); });
  return out;
}

std::vector<Octets> split(Fragmenter& fragmenter, const MediaFrame& frame) {
  std::vector<Octets> parts;
  const auto sent = fragmenter.write(
      frame, [&](const MediaHeader&, Bytes part) { parts.emplace_back(part.begin(), part.end()); });
  EXPECT_TRUE(sent);
  EXPECT_EQ(sent->count, parts.size());
  return parts;
}

MediaView view(const Octets& part) { return read_ring_part(part).value(); }

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

MediaHeader header_of(Fragmenter& fragmenter, const MediaFrame& frame) {
  return view(split(fragmenter, frame).front()).header;
}

// P-MEDIA-04
TEST(Fragmenter, SplitsIntoTheFewestEqualPartsOnlyTheLastShorter) {
  for (const std::size_t unit :
       {std::size_t{6}, std::size_t{7}, kPartBytesMax - 1, kPartBytesMax, kPartBytesMax + 1,
        2 * kPartBytesMax, 2 * kPartBytesMax + 1, std::size_t{100000}, 1175 * kPartBytesMax + 1,
        1177 * kPartBytesMax + 1, kMediaFrameBytesMax - 1, kMediaFrameBytesMax}) {
    SCOPED_TRACE(unit);
    const Octets body = random_bytes(unit - kUnitBytesMin);
    Fragmenter fragmenter(TrackId{1});
    const auto parts = split(fragmenter, {.body = body});
    const std::size_t count = (unit + kPartBytesMax - 1) / kPartBytesMax;
    ASSERT_EQ(parts.size(), count);
    const std::size_t bytes = (unit + count - 1) / count;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const MediaView part = view(parts[i]);
      EXPECT_TRUE(check_part(part).has_value());
      if (i + 1 < count) {
        ASSERT_EQ(part.body.size(), bytes);
      } else {
        ASSERT_LE(part.body.size(), bytes);
        EXPECT_EQ(part.header.last_short, part.body.size() < bytes);
      }
      total += part.body.size();
    }
    EXPECT_EQ(total, unit);
  }
}

TEST(Fragmenter, RefusesWhatIsTooLargeAndUsesNoNumberForIt) {
  Fragmenter fragmenter(TrackId{1}, Seq{5});
  const auto sink = [](const MediaHeader&, Bytes) { ADD_FAILURE() << "sent"; };
  const Octets body(kMediaFrameBytesMax - kUnitBytesMin + 1), config(kCodecConfigBytesMax + 1);
  EXPECT_EQ(fragmenter.write({.body = body}, sink).error(), DropReason::kFrameTooLarge);
  EXPECT_EQ(fragmenter.write({.config = config}, sink).error(), DropReason::kFrameTooLarge);
  EXPECT_EQ(fragmenter.write({.layer = 4}, sink).error(), DropReason::kMalformed);
  EXPECT_EQ(fragmenter.write({.level = 128}, sink).error(), DropReason::kMalformed);
  EXPECT_EQ(fragmenter.next_seq(), Seq{5});
}

// P-MEDIA-02, P-MEDIA-04
TEST(Fragmenter, NumbersPartsOneByOneAcrossFramesAndTheWrap) {
  for (const std::uint32_t start : {0U, 1U, 32767U, 32768U, 65535U, Seq::kModulus - 2}) {
    Fragmenter fragmenter(TrackId{1}, Seq{start});
    Seq expected{start};
    for (const std::size_t bytes : {10U, 3000U, 1U, 2000U}) {
      for (const Octets& octets : split(fragmenter, {.body = random_bytes(bytes)})) {
        EXPECT_EQ(view(octets).header.seq, expected);
        ++expected;
      }
    }
    EXPECT_EQ(fragmenter.next_seq(), expected);
  }
}

// P-MEDIA-05
TEST(Fragmenter, TellsWhatAVideoFrameDependsOn) {
  Fragmenter fragmenter(TrackId{1}, Seq{Seq::kModulus - 1});
  const Octets three_parts = random_bytes(3000), one_part = random_bytes(10);
  const MediaFrame key{.keyframe = true, .body = three_parts};
  const MediaFrame inter{.body = one_part};
  const MediaFrame disposable{.discardable = true, .body = three_parts};
  EXPECT_EQ(header_of(fragmenter, inter).dep, kDependsOnAll);  // no key frame was seen
  EXPECT_EQ(header_of(fragmenter, key).dep, kDependsOnNothing);
  EXPECT_EQ(header_of(fragmenter, inter).dep, 1);  // the frame just before
  EXPECT_EQ(header_of(fragmenter, disposable).dep, 1);
  EXPECT_EQ(header_of(fragmenter, disposable).dep, 4);  // past the other's three parts
  EXPECT_EQ(header_of(fragmenter, inter).dep, 7);
  EXPECT_EQ(header_of(fragmenter, inter).dep, 1);
}

// P-MEDIA-05
TEST(Fragmenter, SaturatesTheDependsOnDeltaAt255) {
  for (const std::size_t between : {253U, 254U, 255U, 300U}) {
    Fragmenter fragmenter(TrackId{1});
    const Octets body = random_bytes(1);
    split(fragmenter, {.keyframe = true, .body = body});
    for (std::size_t i = 0; i < between; ++i)
      split(fragmenter, {.discardable = true, .body = body});
    EXPECT_EQ(header_of(fragmenter, {.body = body}).dep,
              between < 254 ? between + 1 : kDependsOnAll)
        << between;
  }
}

// P-MEDIA-05
TEST(Fragmenter, LooksForReferencesInItsOwnTemporalLayerAndBelow) {
  Fragmenter fragmenter(TrackId{1});
  const Octets body = random_bytes(1);
  split(fragmenter, {.keyframe = true, .body = body});                                    // seq 0
  EXPECT_EQ(header_of(fragmenter, {.layer = 1, .body = body}).dep, 1);                    // 1 on 0
  EXPECT_EQ(header_of(fragmenter, {.layer = 0, .body = body}).dep, 2);                    // 2 on 0
  EXPECT_EQ(header_of(fragmenter, {.layer = 2, .body = body}).dep, 1);                    // 3 on 2
  EXPECT_EQ(header_of(fragmenter, {.layer = 1, .body = body}).dep, 2);                    // 4 on 2
  EXPECT_EQ(header_of(fragmenter, {.keyframe = true, .layer = 0, .body = body}).dep, 0);  // 5
  EXPECT_EQ(header_of(fragmenter, {.layer = 3, .body = body}).dep, 1);                    // 6 on 5
}

// P-MEDIA-05
TEST(Fragmenter, CarriesTheLevelOfAudioAndNothingOfData) {
  Fragmenter fragmenter(TrackId{1});
  const Octets body = random_bytes(1);
  for (const std::uint8_t level : {std::uint8_t{0}, std::uint8_t{126}, kAudioLevelUnknown}) {
    EXPECT_EQ(header_of(fragmenter, {.type = RtmpType::kAudio, .level = level, .body = body}).dep,
              level);
  }
  EXPECT_EQ(header_of(fragmenter, {.type = RtmpType::kData, .body = body}).dep, kDependsOnNothing);
}

// P-MEDIA-03, P-MEDIA-06
TEST(Reassembler, GivesBackTheFrameThatWasSplit) {
  const Octets config = random_bytes(kCodecConfigBytesMax);
  for (const std::size_t body_bytes : {0U, 1U, 1169U, 1170U, 5000U, 300000U}) {
    for (const bool with_config : {false, true}) {
      for (const bool stamped : {false, true}) {
        const Octets body = random_bytes(body_bytes);
        MediaFrame frame{.timestamp_ms = 0xFEDCBA98, .keyframe = with_config, .body = body};
        if (with_config) frame.config = config;
        if (stamped) frame.stamp_us = ~0ULL;
        Fragmenter fragmenter(TrackId{1}, Seq{Seq::kModulus - 1});
        const auto parts = split(fragmenter, frame);
        Octets buffer(unit_bytes_max(view(parts[0]).header));
        Reassembler reassembler(buffer);
        for (const Octets& part : parts) {
          EXPECT_FALSE(reassembler.whole());
          EXPECT_FALSE(reassembler.finish());
          ASSERT_TRUE(reassembler.add(view(part)));
        }
        ASSERT_TRUE(reassembler.whole());
        const MediaFrameView whole = reassembler.finish().value();
        EXPECT_TRUE(same(whole.body, body));
        EXPECT_TRUE(same(whole.config, frame.config));
        EXPECT_EQ(whole.header.config, with_config);
        EXPECT_EQ(whole.type, RtmpType::kVideo);
        EXPECT_EQ(whole.timestamp_ms, 0xFEDCBA98U);
        EXPECT_EQ(whole.header.dts, 0xDCBA98U);
        EXPECT_EQ(whole.stamp_us, frame.stamp_us);
      }
    }
  }
}

TEST(Reassembler, RefusesPartsOutOfOrderOfAnotherFrameAndBeyondItsBuffer) {
  Fragmenter fragmenter(TrackId{1});
  const Octets body = random_bytes(3000);
  const auto parts = split(fragmenter, {.body = body});
  const auto next = split(fragmenter, {.body = body});
  Octets buffer(parts[0].size() - kMediaHeaderBytes + parts[1].size() - kMediaHeaderBytes);
  Reassembler reassembler(buffer);
  EXPECT_EQ(reassembler.add(view(parts[1])).error(), DropReason::kMalformed);
  EXPECT_TRUE(reassembler.add(view(parts[0])));
  EXPECT_EQ(reassembler.add(view(parts[0])).error(), DropReason::kMalformed);
  EXPECT_EQ(reassembler.add(view(next[1])).error(), DropReason::kMalformed);
  EXPECT_TRUE(reassembler.add(view(parts[1])));
  EXPECT_EQ(reassembler.add(view(parts[2])).error(), DropReason::kFrameTooLarge);
}

// P-MEDIA-03
TEST(Unit, IsRefusedWhereItContradictsItselfOrItsParts) {
  const MediaHeader plain{.dts = 0x000102}, with_config{.config = true, .dts = 0x000102};

  struct Case {
    const char* what;
    MediaHeader header;
    std::vector<std::uint8_t> unit;
    bool good;
  };

  for (const Case& c : {
           Case{"no body", plain, {9, 0, 0, 0, 1, 2}, true},
           Case{"audio", plain, {8, 0, 0xFF, 0, 1, 2, 7}, true},
           Case{"cut timestamp", plain, {9, 0, 0, 0, 1}, false},
           Case{"a type that RTMP media has not", plain, {10, 0, 0, 0, 1, 2}, false},
           Case{"an unknown flag", plain, {9, 4, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0}, false},
           Case{"cut stamp", plain, {9, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0}, false},
           Case{"stamp", plain, {9, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1}, true},
           Case{"configuration", with_config, {9, 1, 0, 0, 1, 2, 0, 1, 5}, true},
           Case{"empty configuration", with_config, {9, 1, 0, 0, 1, 2, 0, 0}, false},
           Case{"cut configuration", with_config, {9, 1, 0, 0, 1, 2, 0, 2, 5}, false},
           Case{"configuration longer than allowed",
                with_config,
                {9, 1, 0, 0, 1, 2, 0x10, 1, 5},
                false},
           Case{"configuration that the header denies", plain, {9, 1, 0, 0, 1, 2, 0, 1, 5}, false},
           Case{"none where the header promises one", with_config, {9, 0, 0, 0, 1, 2}, false},
           Case{"another time than the header's", plain, {9, 0, 0, 0, 1, 3}, false},
           Case{"nothing", plain, {}, false},
       }) {
    const Bytes unit = std::as_bytes(std::span(c.unit));
    EXPECT_EQ(read_unit(c.header, unit).has_value(), c.good) << c.what;
  }
}

// P-MEDIA-04
TEST(CheckPart, BoundsEachPartByItself) {
  const Octets bytes(kPartBytesMax + 1);
  const auto part = [&](std::uint16_t index, std::uint16_t count, std::size_t size) {
    return MediaView{{.index = index, .count = count}, Bytes{bytes}.first(size), {}};
  };

  struct Case {
    const char* what;
    MediaView part;
    std::optional<DropReason> error;
  };

  const auto malformed = DropReason::kMalformed, large = DropReason::kFrameTooLarge;
  for (const Case& c : {
           Case{"the smallest unit", part(0, 1, kUnitBytesMin), std::nullopt},
           Case{"less than a unit", part(0, 1, kUnitBytesMin - 1), malformed},
           Case{"the largest part", part(0, 1, kPartBytesMax), std::nullopt},
           Case{"more", part(0, 1, kPartBytesMax + 1), large},
           Case{"empty", part(1, 2, 0), malformed},
           Case{"index at count", part(2, 2, 600), malformed},
           Case{"the least first of two", part(0, 2, 588), std::nullopt},
           Case{"less than a first of two can be", part(0, 2, 587), malformed},
           Case{"a last of two of one byte", part(1, 2, 1), std::nullopt},
           Case{"the most parts", part(0, kPartsPerFrameMax, kPartBytesMax), std::nullopt},
           Case{"tiny parts of many", part(0, kPartsPerFrameMax, 100), malformed},
           Case{"too many parts", part(0, kPartsPerFrameMax + 1, kPartBytesMax), large},
       }) {
    const Status<> status = check_part(c.part);
    EXPECT_EQ(status.has_value(), !c.error) << c.what;
    if (!status && c.error) {
      EXPECT_EQ(status.error(), *c.error) << c.what;
    }
  }
}

TEST(FrameShape, HoldsEachPartAgainstThoseSeenInAnyOrder) {
  Fragmenter fragmenter(TrackId{1}, Seq{Seq::kModulus - 2});
  const Octets body = random_bytes(4000);
  const auto parts = split(fragmenter, {.body = body});
  ASSERT_EQ(parts.size(), 4U);
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    FrameShape shape(view(parts[order[0]]));
    EXPECT_EQ(shape.first_seq(), Seq{Seq::kModulus - 2});
    for (std::size_t i = 1; i < order.size(); ++i) EXPECT_TRUE(shape.add(view(parts[order[i]])));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(FrameShape, RefusesAPartThatContradictsThem) {
  Fragmenter fragmenter(TrackId{1});
  const Octets body = random_bytes(4000);
  const auto parts = split(fragmenter, {.body = body});
  const auto changed = [&](std::size_t index, void (*change)(MediaView&)) {
    FrameShape shape(view(parts[0]));
    EXPECT_TRUE(shape.add(view(parts[3])));
    MediaView part = view(parts[index]);
    change(part);
    return shape.add(part).has_value();
  };
  EXPECT_TRUE(changed(1, [](MediaView&) {}));
  EXPECT_TRUE(
      changed(1, [](MediaView& p) { p.header.last_short = !p.header.last_short; }));  // informative
  EXPECT_FALSE(changed(1, [](MediaView& p) { ++p.header.seq; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { ++p.header.count; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { ++p.header.dts; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { ++p.header.dep; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { p.header.keyframe = true; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { p.header.discardable = true; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { p.header.config = true; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { p.header.layer = 1; }));
  EXPECT_FALSE(changed(1, [](MediaView& p) { p.body = p.body.subspan(1); }));
  EXPECT_FALSE(changed(3, [](MediaView& p) { p.body = p.body.subspan(1); }));
}

TEST(FrameShape, RefusesSizesThatNoUnitIsSplitInto) {
  const Octets bytes(kPartBytesMax);
  // 588 and 587 make 1175, which is one part; 1175 and 1 make 1176, which is 588 and 588.
  for (const auto& [first, last, good] :
       {std::tuple{588U, 588U, true}, std::tuple{588U, 587U, false}, std::tuple{1175U, 1U, false},
        std::tuple{1175U, 1174U, true}, std::tuple{1175U, 1175U, true},
        std::tuple{600U, 601U, false}}) {
    FrameShape shape({{.index = 0, .count = 2}, Bytes{bytes}.first(first), {}});
    EXPECT_EQ(shape.add({{.seq = Seq{1}, .index = 1, .count = 2}, Bytes{bytes}.first(last), {}})
                  .has_value(),
              good)
        << first << " and " << last;
  }
}

}  // namespace
}  // namespace sluice::wire
