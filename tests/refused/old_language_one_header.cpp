// The second error is that nothing follows.
// flags: -std=c++17
// errors: 2
// says: slm is written in C++20
#include <slm/nn/linear.hpp>
