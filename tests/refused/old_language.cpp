// flags: -std=c++17
// errors: 1
// says: slm is written in C++20
#include <slm/slm.hpp>
