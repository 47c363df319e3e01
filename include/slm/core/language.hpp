#pragma once
// slm's language, which all headers look at before anything else.
#if __cplusplus < 202002L
#define SLM_LANGUAGE_IS_OLD
#error "slm is written in C++20: compile with -std=c++20 (CMake: target_link_libraries(program slm::slm) does)"
#endif
