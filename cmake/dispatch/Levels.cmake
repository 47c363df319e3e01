# slm::compiled for every processor: compiled once for each level of instructions, of which one is chosen when a
# program starts (dispatch.cpp).
set(levels baseline avx2 avx512 avx512bf16)
set(flags_baseline -march=x86-64)
set(flags_avx2 -march=x86-64-v3)
set(flags_avx512 -march=x86-64-v4)
set(flags_avx512bf16 -march=x86-64-v4 -mavx512bf16)

# name_levels.cmake reads the symbols that compilers write into objects: of position-independent code, where
# constants with pointers have a section of their own.
set(position_independent -fPIE)
if(CMAKE_POSITION_INDEPENDENT_CODE)
  set(position_independent -fPIC)
endif()

set(folder ${PROJECT_BINARY_DIR}/dispatch)
file(MAKE_DIRECTORY ${folder})
set(compiled)
set(named)
foreach(level IN LISTS levels)
  set(target slm_compiled_${level})
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/compiled.cpp)
  target_link_libraries(${target} PRIVATE slm)
  target_compile_options(${target} PRIVATE $<$<CONFIG:>:-O3> -fno-lto ${position_independent} ${flags_${level}})
  add_dependencies(slm_compiled ${target})  # makefiles do not see it by the object
  list(APPEND compiled $<TARGET_OBJECTS:${target}>)
  list(APPEND named ${folder}/${level}.o)
endforeach()

set(script ${CMAKE_CURRENT_LIST_DIR}/name_levels.cmake)
add_custom_command(OUTPUT ${named} ${folder}/entries.inc
  COMMAND ${CMAKE_COMMAND} -DOBJCOPY=${CMAKE_OBJCOPY} -DOBJDUMP=${CMAKE_OBJDUMP} "-DLEVELS=${levels}"
    "-DOBJECTS=${compiled}" -DOUTPUT=${folder} -P ${script}
  DEPENDS ${compiled} ${script} COMMENT "Naming the levels of slm::compiled" VERBATIM)
target_sources(slm_compiled PRIVATE ${CMAKE_CURRENT_LIST_DIR}/dispatch.cpp ${folder}/entries.inc ${named})
target_include_directories(slm_compiled PRIVATE ${folder})
target_compile_options(slm_compiled PRIVATE -fno-lto ${position_independent})
