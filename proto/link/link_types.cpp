#include "proto/link/link_types.h"

#include "proto/wire/frame.h"

namespace sluice::link {

std::string_view close_code_name(CloseCode code) noexcept {
  if (code == CloseCode::kReset) return "reset";
  return wire::close_code_name(static_cast<wire::CloseCode>(code));
}

}  // namespace sluice::link
