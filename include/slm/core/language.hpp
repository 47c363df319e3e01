#pragma once
// slm's language, which every header looks at. The missing file is the message: a compiler goes on after an
// #error, into pages of others, but stops where there is no file.
#if __cplusplus < 202002L
#include <slm is written in C++20: compile with -std=c++20 (CMake: target_link_libraries(program slm::slm) does)>
#endif
