# How slm's own programs are compiled. Private: nothing here reaches a consumer of slm::slm.
get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(slm_is_top_level AND NOT multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(slm_build_flags INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(slm_build_flags INTERFACE
    -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${SLM_WERROR}>:-Werror>)
endif()
if(SLM_NATIVE)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-march=native SLM_HAS_MARCH_NATIVE)
  if(SLM_HAS_MARCH_NATIVE)
    target_compile_options(slm_build_flags INTERFACE -march=native)
  endif()
endif()
