// thin_stream: leaves out of an encoder's own output the pictures that PictureReader calls
// discardable, and those above a temporal layer. What is left must decode as before.
//
//   thin_stream h264|hevc|vp9|av1 LAYER < in > out     prints counts as JSON to stderr
//
// H.264 and HEVC as Annex B with access unit delimiters, VP9 and AV1 as IVF.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "proto/codec/picture.h"

namespace sluice {
namespace {

using Buffer = std::vector<std::byte>;

struct Counts {
  std::array<unsigned, 4> layers{};
  unsigned pictures = 0, discardable = 0, dropped = 0;
};

void append(Buffer& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

class Thinner {
 public:
  Thinner(FourCC codec, unsigned highest) : reader_(codec), highest_(highest) {}

  void configure(Bytes record) { reader_.configure(record); }

  bool keep(Bytes picture) {
    const codec::Picture said = reader_.read(picture);
    ++counts_.pictures;
    ++counts_.layers[said.layer];
    if (said.discardable) ++counts_.discardable;
    const bool kept = !said.discardable && said.layer <= highest_;
    if (!kept) ++counts_.dropped;
    return kept;
  }

  const Counts& counts() const { return counts_; }

 private:
  codec::PictureReader reader_;
  unsigned highest_;
  Counts counts_;
};

/// The NAL units between start codes.
std::vector<Bytes> nal_units(Bytes stream) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at + 3 <= stream.size(); ++at) {
    if (to_u8(stream[at]) == 0 && to_u8(stream[at + 1]) == 0 && to_u8(stream[at + 2]) == 1) {
      starts.push_back(at + 3);
    }
  }
  std::vector<Bytes> units;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    std::size_t end = i + 1 < starts.size() ? starts[i + 1] - 3 : stream.size();
    while (end > starts[i] && to_u8(stream[end - 1]) == 0) --end;
    units.push_back(stream.subspan(starts[i], end - starts[i]));
  }
  return units;
}

/// hvcC's numTemporalLayers, from the sequence parameter set (H.265 7.3.2.2.1).
void configure_hevc(Thinner& thinner, Bytes nal) {
  std::array<std::byte, 22> record{};
  const unsigned layers = (to_u8(nal[2]) >> 1U & 7U) + 1;
  record[21] = static_cast<std::byte>(layers << 3U | 3U);
  thinner.configure(record);
}

void thin_annex_b(Thinner& thinner, Bytes stream, bool hevc, Buffer& out) {
  Buffer unit, prefixed;
  const auto flush = [&] {
    if (!unit.empty() && thinner.keep(prefixed)) append(out, unit);
    unit.clear();
    prefixed.clear();
  };
  for (const Bytes nal : nal_units(stream)) {
    const unsigned type = hevc ? to_u8(nal[0]) >> 1U & 0x3FU : to_u8(nal[0]) & 0x1FU;
    if (type == (hevc ? 35U : 9U)) flush();  // access unit delimiter
    if (hevc && type == 33) configure_hevc(thinner, nal);
    std::array<std::byte, 4> length{};
    store_be<4>(length.data(), nal.size());
    append(prefixed, length);
    append(prefixed, nal);
    append(unit, std::as_bytes(std::span{"\0\0\0\1", 4}));
    append(unit, nal);
  }
  flush();
}

std::uint32_t load_le32(Bytes at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8U | to_u8(at[i - 1]);
  return value;
}

void thin_ivf(Thinner& thinner, Bytes stream, Buffer& out) {
  constexpr std::size_t kFileHeader = 32, kFrameHeader = 12;
  append(out, stream.first(kFileHeader));
  stream = stream.subspan(kFileHeader);
  while (stream.size() >= kFrameHeader) {
    const std::size_t bytes = load_le32(stream);
    const Bytes frame = stream.first(kFrameHeader + bytes);
    if (thinner.keep(frame.subspan(kFrameHeader))) append(out, frame);
    stream = stream.subspan(frame.size());
  }
}

Buffer read_all(std::FILE* file) {
  Buffer all;
  std::array<std::byte, 65536> chunk;
  while (const std::size_t bytes = std::fread(chunk.data(), 1, chunk.size(), file)) {
    append(all, Bytes{chunk}.first(bytes));
  }
  return all;
}

int run(std::string_view codec, unsigned highest) {
  const FourCC four_cc = codec == "h264"   ? FourCC::kAvc
                         : codec == "hevc" ? FourCC::kHevc
                         : codec == "vp9"  ? FourCC::kVp9
                                           : FourCC::kAv1;
  Thinner thinner{four_cc, highest};
  const Buffer in = read_all(stdin);
  Buffer out;
  if (four_cc == FourCC::kAvc || four_cc == FourCC::kHevc) {
    thin_annex_b(thinner, in, four_cc == FourCC::kHevc, out);
  } else {
    thin_ivf(thinner, in, out);
  }
  const Counts& counts = thinner.counts();
  std::fprintf(
      stderr,
      "{\"pictures\": %u, \"discardable\": %u, \"dropped\": %u, \"layers\": [%u, %u, %u, %u]}\n",
      counts.pictures, counts.discardable, counts.dropped, counts.layers[0], counts.layers[1],
      counts.layers[2], counts.layers[3]);
  return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() ? 0 : 5;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "thin_stream h264|hevc|vp9|av1 LAYER < in > out\n");
    return 2;
  }
  return sluice::run(argv[1], static_cast<unsigned>(std::atoi(argv[2])));
}
