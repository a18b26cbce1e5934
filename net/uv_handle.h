// UvHandle<T>: the owner of one libuv handle. The handle lies in a heap cell of its own; destroying
// the owner clears the cell's data pointer, asks libuv to close it and frees the cell in the close
// callback, so an owner may die before libuv lets go, also inside its own callback. A cell that was
// never initialised is just freed. Callbacks find their owner with UvHandle<T>::owner<C>() and give
// up on nullptr. The one place of the project with a bare delete.
#pragma once

#include <uv.h>

#include <memory>
#include <utility>

namespace sluice::net {

template <class T>
class UvHandle {
 public:
  /// `owner` is what the callbacks will find.
  explicit UvHandle(void* owner) : cell_(std::make_unique<T>()) { handle()->data = owner; }

  ~UvHandle() { reset(); }

  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  T* get() const { return cell_.get(); }

  /// Every uv_*_t begins with uv_handle_t's fields; libuv's own API asks for this cast.
  uv_handle_t* handle() const { return reinterpret_cast<uv_handle_t*>(cell_.get()); }

  uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(cell_.get()); }

  bool initialised() const { return cell_ != nullptr && handle()->type != UV_UNKNOWN_HANDLE; }

  /// Closes now instead of at destruction; the owner is empty afterwards.
  void reset() {
    if (!initialised()) return cell_.reset();
    handle()->data = nullptr;
    T* cell = cell_.release();
    uv_close(reinterpret_cast<uv_handle_t*>(cell),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }

  /// The owner of the handle a callback was given, or nullptr when it died already.
  template <class Owner>
  static Owner* owner(const T* cell) {
    return static_cast<Owner*>(cell->data);
  }

 private:
  std::unique_ptr<T> cell_;
};

}  // namespace sluice::net
