# How slm's own programs are compiled. Private: nothing here reaches a consumer of slm::slm.
get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(slm_is_top_level AND NOT multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(slm_warnings INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(slm_warnings INTERFACE
    -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wswitch $<$<BOOL:${SLM_WERROR}>:-Werror>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Wrong about "text" + std::string, differently at each level of optimisation: GCC bugs 105329 and 105651.
  target_compile_options(slm_warnings INTERFACE -Wno-restrict -Wno-array-bounds
    -Wno-stringop-overflow -Wno-stringop-overread)
endif()

# Tests and benchmarks: headers alone.
add_library(slm_build_flags INTERFACE)
target_link_libraries(slm_build_flags INTERFACE slm_warnings)
if(SLM_NATIVE)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-march=native SLM_HAS_MARCH_NATIVE)
  if(SLM_HAS_MARCH_NATIVE)
    target_compile_options(slm_build_flags INTERFACE -march=native)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      include(CheckCXXSourceCompiles)
      set(CMAKE_REQUIRED_FLAGS -march=native)
      check_cxx_source_compiles("#ifndef __AVX512F__\n#error\n#endif\nint main() {}" SLM_HAS_AVX512)
      unset(CMAKE_REQUIRED_FLAGS)
      if(SLM_HAS_AVX512)
        # Wrong about the compiler's own AVX-512 functions, which Eigen calls: GCC bug 105593.
        target_compile_options(slm_build_flags INTERFACE -Wno-uninitialized -Wno-maybe-uninitialized)
      endif()
    endif()
  endif()
endif()

# The examples and the studies: of one binary for every processor where there can be one.
add_library(slm_example INTERFACE)
if(SLM_DISPATCH)
  target_link_libraries(slm_example INTERFACE slm::compiled slm_warnings)
else()
  target_link_libraries(slm_example INTERFACE slm::slm slm_build_flags)
endif()

# What tests are compiled with beside that.
add_library(slm_test_flags INTERFACE)
if(SLM_TESTS_O1 AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(slm_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
endif()
