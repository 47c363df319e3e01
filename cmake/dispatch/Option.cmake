# Whether slm::compiled is made for every processor: by default where that works and nobody debugs.
get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
set(can_dispatch OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND
   CMAKE_SIZEOF_VOID_P EQUAL 8 AND CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$" AND CMAKE_OBJCOPY AND
   CMAKE_OBJDUMP AND NOT multi_config)
  set(can_dispatch ON)
endif()
set(default ${can_dispatch})
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(default OFF)
endif()
option(SLM_DISPATCH
  "Make slm::compiled, the examples and the studies for every processor: which instructions run is chosen at the start"
  ${default})
if(SLM_DISPATCH AND NOT can_dispatch)
  message(FATAL_ERROR "slm: SLM_DISPATCH needs Linux on x86-64, g++ or clang++, objcopy and objdump (Debian: \
binutils), and a generator for one configuration")
endif()
