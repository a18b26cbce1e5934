// proto/wire: the codec of packets and frames. Steady state of every case: one well-formed packet
// in the first-level cache, as it is after decryption.
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/wire/feedback.h"
#include "proto/wire/frame.h"
#include "proto/wire/media_header.h"
#include "proto/wire/packet.h"

namespace sluice::bench {
namespace {

constexpr wire::Direction kToRelay = wire::Direction::kToRelay;

/// What a receiver says on a clean link: one range, the times of the last packets, two tracks.
wire::Feedback clean_feedback() {
  wire::Feedback feedback;
  feedback.number = 77;
  CHECK(feedback.add_range({{1000}, {90'000}}));
  for (int i = 0; i < 16; ++i) CHECK(feedback.add_time(i % 4));
  CHECK(feedback.add_report({.track = TrackId{0}, .oldest_open = Seq{12'345}}));
  CHECK(feedback.add_report({.track = TrackId{1}, .oldest_open = Seq{54'321}}));
  return feedback;
}

/// The longest that ranges and times come to at heavy loss.
wire::Feedback lossy_feedback() {
  wire::Feedback feedback = clean_feedback();
  feedback.range_count = 0;
  feedback.time_count = 0;
  std::uint64_t last = 90'000;
  for (std::size_t i = 0; i < kAckRangesMax; ++i, last -= 6) {
    CHECK(feedback.add_range({{last - 4}, {last}}));
  }
  for (std::size_t i = 0; i < kReceiveTimesMax; ++i) CHECK(feedback.add_time(3));
  return feedback;
}

std::vector<std::byte> data_packet() {
  std::vector<std::byte> packet = sample_bytes(kDatagramBytesMax);
  wire::write_data_header({.connection = ConnectionId{0x010203040506}, .number_low = 99}, kToRelay,
                          packet);
  return packet;
}

// A full DATA packet passes the length gate.
void classify(benchmark::State& state) {
  std::vector<std::byte> packet = data_packet();
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet.data());
    benchmark::ClobberMemory();
    const auto type = wire::classify(packet, kToRelay);
    CHECK(type.has_value() && *type == wire::PacketType::kData);
  }
  count_packets(state, 1, packet.size());
}

void data_header_read(benchmark::State& state) {
  std::vector<std::byte> packet = data_packet();
  for (auto _ : state) {
    benchmark::ClobberMemory();
    const wire::DataHeader header = wire::read_data_header(packet, kToRelay);
    CHECK(header.number_low == 99);
    benchmark::DoNotOptimize(header.connection);
  }
  count_packets(state, 1, kDataHeaderToRelayBytes);
}

void data_header_write(benchmark::State& state) {
  std::vector<std::byte> packet = data_packet();
  std::uint32_t number = 0;
  for (auto _ : state) {
    wire::write_data_header(
        {.connection = ConnectionId{0x010203040506}, .number_low = ++number & 0xFFFFFFU}, kToRelay,
        packet);
    benchmark::DoNotOptimize(packet.data());
    benchmark::ClobberMemory();
  }
  CHECK(wire::read_data_header(packet, kToRelay).number_low == (number & 0xFFFFFFU));
  count_packets(state, 1, kDataHeaderToRelayBytes);
}

void media_header_encode(benchmark::State& state) {
  wire::MediaHeader header{.track = TrackId{1}, .index = 3, .count = 8, .dts = 1000, .dep = 8};
  std::array<std::byte, kMediaHeaderBytes> out{};
  for (auto _ : state) {
    ++header.seq;
    benchmark::DoNotOptimize(header);
    wire::encode_media_header(header, out);
    benchmark::DoNotOptimize(out);
  }
  CHECK(wire::decode_media_header(out) == header);
  count_packets(state, 1, out.size());
}

void media_header_decode(benchmark::State& state) {
  const auto parts = full_parts(8);
  Bytes part = parts[3];
  for (auto _ : state) {
    benchmark::DoNotOptimize(part);
    benchmark::ClobberMemory();
    const wire::MediaHeader header = wire::decode_media_header(part.first<kMediaHeaderBytes>());
    CHECK(header.index == 3);
    benchmark::DoNotOptimize(header.dts);
  }
  count_packets(state, 1, kMediaHeaderBytes);
}

// The packet that media is made of: one full part to the packet's end.
void read_full_part(benchmark::State& state) {
  const auto parts = full_parts(8);
  Bytes plaintext = parts[3];
  for (auto _ : state) {
    benchmark::DoNotOptimize(plaintext);
    benchmark::ClobberMemory();
    wire::FrameReader reader{plaintext};
    const auto frame = reader.next();
    CHECK(frame && *frame && std::holds_alternative<wire::MediaView>(**frame));
    CHECK(!reader.next());
  }
  count_packets(state, 1, plaintext.size());
}

// Six small audio frames in one packet, five of them with a length.
void read_bundle(benchmark::State& state) {
  const std::vector<std::byte> part = [] {
    std::vector<std::byte> bytes = full_parts(1)[0];
    bytes.resize(kMediaHeaderBytes + 150);
    return bytes;
  }();
  std::array<std::byte, wire::plaintext_bytes_max(kToRelay)> plaintext{};
  wire::FrameWriter writer{plaintext};
  for (int i = 0; i < 5; ++i) CHECK(writer.append_bundled_part(part, TrackId{2}));
  CHECK(writer.append_final_part(part, TrackId{2}));
  Bytes packet = writer.written();
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet);
    benchmark::ClobberMemory();
    wire::FrameReader reader{packet};
    std::size_t parts = 0;
    while (const auto frame = reader.next()) {
      CHECK(frame->has_value());
      ++parts;
    }
    CHECK(parts == 6);
  }
  count_packets(state, 1, packet.size());
}

// A packet that holds FEEDBACK alone, walked and decoded.
void read_feedback(benchmark::State& state, const wire::Feedback& sent) {
  std::array<std::byte, wire::plaintext_bytes_max(kToRelay)> plaintext{};
  wire::FrameWriter writer{plaintext};
  CHECK(writer.append(sent));
  Bytes packet = writer.written();
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet);
    benchmark::ClobberMemory();
    wire::FrameReader reader{packet};
    const auto frame = reader.next();
    CHECK(frame && *frame);
    const auto* view = std::get_if<wire::FeedbackView>(&**frame);
    CHECK(view != nullptr);
    const auto feedback = wire::decode_feedback(view->body);
    CHECK(feedback && feedback->range_count == sent.range_count);
    CHECK(!reader.next());
  }
  count_packets(state, 1, packet.size());
}

void write_feedback(benchmark::State& state, const wire::Feedback& sent) {
  std::array<std::byte, wire::plaintext_bytes_max(kToRelay)> plaintext{};
  std::size_t bytes = 0;
  for (auto _ : state) {
    wire::FrameWriter writer{plaintext};
    CHECK(writer.append(sent));
    bytes = writer.size();
    benchmark::DoNotOptimize(plaintext);
    benchmark::ClobberMemory();
  }
  CHECK(bytes == kFrameHeaderBytes + wire::feedback_bytes(sent));
  count_packets(state, 1, bytes);
}

// The one copy that a forwarded part costs: out of the ring, into the packet under construction.
void write_full_part(benchmark::State& state) {
  const auto parts = full_parts(8);
  std::array<std::byte, wire::plaintext_bytes_max(wire::Direction::kFromRelay)> plaintext{};
  Bytes part = parts[3];
  for (auto _ : state) {
    benchmark::DoNotOptimize(part);
    wire::FrameWriter writer{plaintext};
    CHECK(writer.append_final_part(part, TrackId{7}));
    benchmark::DoNotOptimize(plaintext);
    benchmark::ClobberMemory();
  }
  CHECK(to_u8(plaintext[wire::kMediaTrackOffset]) == 7);
  count_packets(state, 1, part.size());
}

BENCHMARK(classify)->Name("wire/classify");
BENCHMARK(data_header_read)->Name("wire/data_header/read");
BENCHMARK(data_header_write)->Name("wire/data_header/write");
BENCHMARK(media_header_encode)->Name("wire/media_header/encode");
BENCHMARK(media_header_decode)->Name("wire/media_header/decode");
BENCHMARK(read_full_part)->Name("wire/read/full_part");
BENCHMARK(read_bundle)->Name("wire/read/bundle_of_6");
BENCHMARK_CAPTURE(read_feedback, clean, clean_feedback())->Name("wire/read/feedback_clean");
BENCHMARK_CAPTURE(read_feedback, lossy, lossy_feedback())->Name("wire/read/feedback_lossy");
BENCHMARK(write_full_part)->Name("wire/write/full_part");
BENCHMARK_CAPTURE(write_feedback, clean, clean_feedback())->Name("wire/write/feedback_clean");
BENCHMARK_CAPTURE(write_feedback, lossy, lossy_feedback())->Name("wire/write/feedback_lossy");

}  // namespace
}  // namespace sluice::bench
