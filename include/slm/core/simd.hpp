#pragma once
// Vector registers, as wide as the build allows, by the vector extensions of g++ (12 and later) and
// clang++; elsewhere SLM_HAS_VECTORS stays undefined. Only what compilers do not find by themselves.
#include <cstring>
#include <type_traits>
#include <utility>

#include "slm/core/instruction_set.hpp"
#include "slm/core/libm.hpp"

#if defined(__GNUC__) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SLM_HAS_VECTORS 1
#endif
#endif

#ifdef SLM_HAS_VECTORS
namespace slm::simd {
inline namespace SLM_INSTRUCTION_SET {

#if defined(__AVX512F__)
inline constexpr int register_bytes = 64, registers = 32;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32, registers = 16;
#else
inline constexpr int register_bytes = 16, registers = 16;
#endif

template <class Real, int bytes>
struct Register;
template <int bytes>
struct Register<float, bytes> {
  using type __attribute__((vector_size(bytes))) = float;
};
template <int bytes>
struct Register<double, bytes> {
  using type __attribute__((vector_size(bytes))) = double;
};

/// One register full of numbers; arithmetic is element by element.
template <class Real>
using Vector = typename Register<Real, register_bytes>::type;

/// Numbers in a register.
template <class Real>
inline constexpr int lanes = register_bytes / static_cast<int>(sizeof(Real));

/// From and to any address, aligned or not.
template <class Real>
Vector<Real> load(const Real* from) {
  Vector<Real> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class Real>
void store(Real* to, Vector<Real> v) {
  std::memcpy(to, &v, sizeof v);
}

/// √v, correctly rounded. A loop over std::sqrt does not become this, because it may have to set errno; and
/// <immintrin.h> takes compilers as long as the rest of this folder.
template <class Real>
Vector<Real> sqrt(Vector<Real> v) {
#if defined(__SSE2__) && __has_builtin(__builtin_ia32_sqrtps)
#if defined(__AVX__) && __has_builtin(__builtin_ia32_sqrtps256)
  constexpr int part_bytes = 32;
  constexpr auto root = [](typename Register<Real, 32>::type part) {
    if constexpr (std::is_same_v<Real, float>) return __builtin_ia32_sqrtps256(part);
    if constexpr (std::is_same_v<Real, double>) return __builtin_ia32_sqrtpd256(part);
  };
#else
  constexpr int part_bytes = 16;
  constexpr auto root = [](typename Register<Real, 16>::type part) {
    if constexpr (std::is_same_v<Real, float>) return __builtin_ia32_sqrtps(part);
    if constexpr (std::is_same_v<Real, double>) return __builtin_ia32_sqrtpd(part);
  };
#endif
  typename Register<Real, part_bytes>::type parts[register_bytes / part_bytes];
  std::memcpy(parts, &v, sizeof v);
  for (auto& part : parts) part = root(part);
  std::memcpy(&v, parts, sizeof v);
#else
  for (int l = 0; l < lanes<Real>; ++l) v[l] = libm::sqrt(v[l]);
#endif
  return v;
}

namespace detail {

/// Lane l gets that of l + distance, the last ones those of the first.
template <int distance, class V, int... lane>
V turned(V v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, ((lane + distance) % int(sizeof...(lane)))...);
}

/// Of every 2 * distance lanes, exchanges the upper half of `a` with the lower half of `b`.
template <int distance, class V, int... lane>
void exchange_halves(V& a, V& b, std::integer_sequence<int, lane...>) {
  constexpr int count = sizeof...(lane);
  const V first = a, second = b;
  a = __builtin_shufflevector(first, second, (lane & distance ? lane - distance + count : lane)...);
  b = __builtin_shufflevector(first, second, (lane & distance ? lane + count : lane + distance)...);
}

}  // namespace detail

/// All lanes as one, in halves: lane l with lane l + lanes / 2, then with l + lanes / 4, …
template <class Real, int distance = lanes<Real> / 2, class Operation>
Real fold(Vector<Real> v, const Operation& operation) {
  if constexpr (distance > 0) {
    v = operation(v, detail::turned<distance>(v, std::make_integer_sequence<int, lanes<Real>>()));
    return fold<Real, distance / 2>(v, operation);
  } else {
    return v[0];
  }
}

/// Transposes a square of as many rows as a register has lanes: first its quadrants, then theirs.
template <class Real, int distance = lanes<Real> / 2>
void transpose(Vector<Real> (&row)[lanes<Real>]) {
  if constexpr (distance > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<Real>; ++i) {
      if (i & distance) continue;
      detail::exchange_halves<distance>(row[i], row[i + distance],
                                        std::make_integer_sequence<int, lanes<Real>>());
    }
    transpose<Real, distance / 2>(row);
  }
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::simd
#endif
