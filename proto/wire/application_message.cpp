#include "proto/wire/application_message.h"

#include "proto/wire/message_codec.h"

namespace sluice::wire {
namespace {

// P-CTRL-07. C is Encoder or Decoder.

template <class C>
void fields(C& c, typename C::template Of<TextMessage>& m) {
  c.name_or_empty(m.to);
  c.name_or_empty(m.from);
  c.rest(m.text);
}

template <class C>
void fields(C& c, typename C::template Of<BytesMessage>& m) {
  c.name_or_empty(m.to);
  c.name_or_empty(m.from);
  c.rest(m.bytes);
}

constexpr auto kFields = [](auto& codec, auto& message) { fields(codec, message); };

}  // namespace

Status<> encode_application_message(const ApplicationMessage& message,
                                    std::vector<std::byte>& out) {
  return encode_message(message, out, kFields);
}

Result<ApplicationMessage> decode_application_message(const MessageView& message) {
  return decode_message<ApplicationMessage>(message, kFields);
}

}  // namespace sluice::wire
