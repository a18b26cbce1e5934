#include "client/link_end.h"

#include <string>

namespace sluice::client {

Error error_of(const link::Closed& closed) {
  using link::CloseCode;
  // "Idle" of the relay's is silence between us, too; so it is not its decision.
  const bool lost =
      !closed.by_peer || closed.code == CloseCode::kIdle || closed.code == CloseCode::kReset;
  Error error{lost ? ExitCode::kUnreachable : ExitCode::kRefused,
              (lost ? "the link is lost: " : "the relay ended the link: ") +
                  std::string{link::close_code_name(closed.code)}};
  if (!closed.reason.empty()) error.message += " (" + std::string{closed.reason} + ")";
  return error;
}

}  // namespace sluice::client
