// Callback<Args...>: a function and the object it belongs to, two words, never owning and never
// allocating. Every notification of net/ is one, so that the data path pays one indirect call and
// the object behind it must only outlive the registration (all owners here deregister when
// destroyed).
#pragma once

#include <type_traits>
#include <utility>

namespace sluice::net {

template <class... Args>
class Callback {
 public:
  constexpr Callback() = default;

  constexpr Callback(void (*function)(void* context, Args...), void* context)
      : function_(function), context_(context) {}

  /// The member function of `self`: Callback<>::to<&Worker::on_timer>(this).
  template <auto kMethod, class T>
  static constexpr Callback to(T* self) {
    return {[](void* context, Args... args) {
              (static_cast<T*>(context)->*kMethod)(std::forward<Args>(args)...);
            },
            self};
  }

  /// Calls `callable` by reference; the caller keeps it alive.
  template <class F>
  static constexpr Callback ref(F& callable) {
    return {[](void* context, Args... args) {
              (*static_cast<F*>(context))(std::forward<Args>(args)...);
            },
            &callable};
  }

  void operator()(Args... args) const {
    if (function_ != nullptr) function_(context_, std::forward<Args>(args)...);
  }

  constexpr explicit operator bool() const { return function_ != nullptr; }

 private:
  void (*function_)(void*, Args...) = nullptr;
  void* context_ = nullptr;
};

}  // namespace sluice::net
