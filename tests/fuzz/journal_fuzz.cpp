// The journal: any bytes are whole lines and a rest, the lines read the same when written again,
// and a store takes them without harm.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "rooms/journal_codec.h"
#include "rooms/room_store.h"

namespace {

/// Each line behind the sum it needs: fuzzers do not guess one.
std::string with_check_sums(std::string_view text);

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = sluice::as_text(std::as_bytes(std::span{data, size}));
  for (const std::string& input : {std::string{text}, with_check_sums(text)}) {
    const sluice::rooms::JournalContent content = sluice::rooms::read_journal(input);
    CHECK(content.whole_bytes <= input.size());
    CHECK((content.cut || content.damaged) == (content.whole_bytes < input.size()));
    sluice::rooms::RoomStore store{sluice::rooms::RoomRules{}};
    for (const sluice::rooms::Change& change : content.changes) {
      static_cast<void>(store.restore(sluice::Instant{}, change));
      const std::string line = sluice::rooms::journal_line(change);
      const sluice::rooms::JournalContent again = sluice::rooms::read_journal(line);
      CHECK(again.changes.size() == 1 && sluice::rooms::journal_line(again.changes[0]) == line);
    }
    store.handle_timeout(sluice::instant_from_us(60'000'000));
  }
  return 0;
}

namespace {

std::string with_check_sums(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    const std::string_view json = space == std::string_view::npos ? line : line.substr(space + 1);
    result += sluice::rooms::journal_check_sum(json) + " " + std::string{json} + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return result;
}

}  // namespace
