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

template <class M>
Result<ApplicationMessage> decode_as(Bytes body) {
  Decoder decoder(body);
  M message;
  fields(decoder, message);
  if (!decoder.finished()) return Unexpected{DropReason::kMalformed};
  return ApplicationMessage{std::move(message)};
}

}  // namespace

Status<> encode_application_message(const ApplicationMessage& message,
                                    std::vector<std::byte>& out) {
  return std::visit(
      [&](const auto& m) -> Status<> {
        if constexpr (std::is_same_v<decltype(m), const UnknownMessage&>) {
          return Unexpected{DropReason::kMalformed};
        } else {
          // The variant lists the messages in the order of their numbers.
          Encoder encoder(static_cast<std::uint8_t>(message.index() + 1), out);
          fields(encoder, m);
          return encoder.finish();
        }
      },
      message);
}

Result<ApplicationMessage> decode_application_message(const MessageView& message) {
  switch (message.type) {
    case 1:
      return decode_as<TextMessage>(message.body);
    case 2:
      return decode_as<BytesMessage>(message.body);
    default:
      return ApplicationMessage{UnknownMessage{message.type}};
  }
}

}  // namespace sluice::wire
