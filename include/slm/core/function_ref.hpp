#pragma once
// A function by reference.
#include <memory>
#include <type_traits>

#include "slm/core/language.hpp"

namespace slm {

/// Refers to a function for as long as a call takes. Who takes one is compiled once, where a template would be
/// compiled for every function again.
template <class Signature>
class FunctionRef;
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  template <class Function>
  requires(!std::is_same_v<Function, FunctionRef>) FunctionRef(const Function& function)
      : object_(std::addressof(function)), call_(call<Function>) {}
  Result operator()(Arguments... arguments) const { return call_(object_, arguments...); }

 private:
#ifdef __clang__  // see kernels/elementwise.hpp
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
  template <class Function>
  [[gnu::noinline]] static Result call(const void* object, Arguments... arguments) {
    return (*static_cast<const Function*>(object))(arguments...);
  }
#ifdef __clang__
#pragma clang diagnostic pop
#endif

  const void* object_;
  Result (*call_)(const void*, Arguments...);
};

}  // namespace slm
