#pragma once
// slm's language, which every header looks at. In one that is included alone the missing file is the message:
// behind an #error a compiler would go on, into pages of others.
#if __cplusplus < 202002L
#include <slm is written in C++20: compile with -std=c++20 (CMake: target_link_libraries(program slm::slm) does)>
#endif
