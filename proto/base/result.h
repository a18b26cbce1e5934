// Result<T, E>: a value or the reason why there is none; the names are std::expected's, which
// libstdc++ 12 lacks. Three uses: Result<T> when a peer's bytes are refused (E = DropReason),
// Result<T, Failure> when the environment fails and a person will read why, Result<T, SomeEnum>
// else.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "proto/base/check.h"
#include "proto/base/drop_reason.h"

namespace sluice {

template <class E>
struct Unexpected {
  E error;
};

template <class E>
Unexpected(E) -> Unexpected<E>;

/// What failed and what would cure it, in one line for a person.
struct Failure {
  std::string message;
};

struct Done {};

template <class T, class E = DropReason>
class [[nodiscard]] Result {
 public:
  // Both conversions are implicit so that `return value;` and `return Unexpected{reason};` read
  // well.
  Result(T value) noexcept
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)

  /// Makes the value in its place, from `args`: for values that cost more to move than to make.
  template <class... Args>
  explicit Result(std::in_place_t, Args&&... args) noexcept
      : state_(std::in_place_index<0>, std::forward<Args>(args)...) {}

  Result(Unexpected<E> e) noexcept
      : state_(std::in_place_index<1>, std::move(e.error)) {
  }  // NOLINT(google-explicit-constructor)

  bool has_value() const noexcept { return state_.index() == 0; }

  explicit operator bool() const noexcept { return has_value(); }

  T& value() & noexcept { return CHECK(has_value()), *std::get_if<0>(&state_); }

  const T& value() const& noexcept { return CHECK(has_value()), *std::get_if<0>(&state_); }

  T&& value() && noexcept { return CHECK(has_value()), std::move(*std::get_if<0>(&state_)); }

  const E& error() const noexcept { return CHECK(!has_value()), *std::get_if<1>(&state_); }

  T& operator*() & noexcept { return value(); }

  const T& operator*() const& noexcept { return value(); }

  T&& operator*() && noexcept { return std::move(*this).value(); }

  T* operator->() noexcept { return &value(); }

  const T* operator->() const noexcept { return &value(); }

 private:
  std::variant<T, E> state_;
};

/// Result of a call that has nothing to return but success.
template <class E = DropReason>
using Status = Result<Done, E>;

}  // namespace sluice
