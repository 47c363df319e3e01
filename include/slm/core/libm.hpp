#pragma once
// The C library's functions of real numbers, by the names that compilers know them by. They are what <cmath>
// has; but with it come its special functions, a tenth of a second and 25 MB of every user's compiler.
#include "slm/core/language.hpp"

namespace slm::libm {

#define SLM_FUNCTION(name, its)                                \
  inline float name(float x) { return __builtin_##its##f(x); } \
  inline double name(double x) { return __builtin_##its(x); }  \
  inline long double name(long double x) { return __builtin_##its##l(x); }
SLM_FUNCTION(abs, fabs)
SLM_FUNCTION(sqrt, sqrt)
SLM_FUNCTION(exp, exp)
SLM_FUNCTION(exp2, exp2)
SLM_FUNCTION(log, log)
SLM_FUNCTION(log1p, log1p)
SLM_FUNCTION(sin, sin)
SLM_FUNCTION(cos, cos)
SLM_FUNCTION(tanh, tanh)
SLM_FUNCTION(erf, erf)
#undef SLM_FUNCTION

inline double pow(double base, double exponent) { return __builtin_pow(base, exponent); }
/// The nearest integer, halves away from zero.
inline long lround(double x) { return __builtin_lround(x); }

}  // namespace slm::libm
