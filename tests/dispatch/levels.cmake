# cmake -DPROGRAM=… -DREFERENCE=… -DLIBRARY=… -DOBJDUMP=… -P levels.cmake
# PROGRAM is tests/bits/short_trainings.cpp with slm::compiled, the file LIBRARY, and no -march; REFERENCE is the same
# of headers alone, for AVX2. Nothing of a level can be called but by dispatch.cpp, each level has its registers and no
# wider ones, the last alone has products of bfloat16, and each that this processor has gives the bits of REFERENCE, but
# for baseline, whose losses the program looks at.
cmake_minimum_required(VERSION 3.20)

set(levels baseline avx2 avx512 avx512bf16)
set(registers_baseline xmm)
set(registers_avx2 ymm)
set(registers_avx512 zmm)
set(registers_avx512bf16 zmm)

get_filename_component(folder ${LIBRARY} DIRECTORY)
foreach(level IN LISTS levels)
  set(object ${folder}/dispatch/${level}.o)
  execute_process(COMMAND ${OBJDUMP} --syms ${object} OUTPUT_FILE ${object}.symbols COMMAND_ERROR_IS_FATAL ANY)
  # Names that other objects see, of functions and of tables of virtual ones.
  file(STRINGS ${object}.symbols symbols REGEX "^[0-9a-f]+ [^l]...... (\\.text|\\.data[^\t]*\t.* _ZTV)")
  list(LENGTH symbols count)
  list(FILTER symbols EXCLUDE REGEX "\\.${level}$")
  if(level STREQUAL "baseline")  # its tables are for every program
    list(FILTER symbols EXCLUDE REGEX " _ZTV")
  endif()
  if(symbols OR count EQUAL 0)
    list(JOIN symbols "\n" symbols)
    message(FATAL_ERROR "${level}: of ${count} functions other objects could call\n${symbols}")
  endif()

  set(used)
  foreach(register IN ITEMS xmm ymm zmm)
    execute_process(COMMAND ${OBJDUMP} --disassemble --no-show-raw-insn ${object}
      COMMAND grep --quiet --max-count=1 %${register} RESULTS_VARIABLE results)
    list(GET results 1 absent)
    if(NOT absent)
      set(used ${register})
    endif()
  endforeach()
  if(NOT used STREQUAL registers_${level})
    message(FATAL_ERROR "${level}: the widest registers are ${used}, expected ${registers_${level}}")
  endif()
  execute_process(COMMAND ${OBJDUMP} --disassemble --no-show-raw-insn ${object}
    COMMAND grep --count vdpbf16ps OUTPUT_VARIABLE products RESULTS_VARIABLE results)
  if((level STREQUAL "avx512bf16") EQUAL (products EQUAL 0))
    message(FATAL_ERROR "${level}: ${products} products of bfloat16 by the processor")
  endif()
endforeach()

execute_process(COMMAND ${REFERENCE} OUTPUT_VARIABLE expected ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
foreach(level IN LISTS levels)
  set(ENV{SLM_INSTRUCTION_SET} ${level})
  execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output ERROR_VARIABLE said RESULT_VARIABLE result)
  if(said MATCHES "SLM_INSTRUCTION_SET is \"${level}\", but this processor has")
    message("skipped: this processor has no ${level}")
    continue()
  endif()
  if(NOT result EQUAL 0 OR NOT said MATCHES "^${level}\n")
    message(FATAL_ERROR "${level}: ended with ${result}, and said:\n${said}\n${output}")
  endif()
  if(level STREQUAL "baseline")
    if(output STREQUAL expected)
      message(FATAL_ERROR "baseline gives the bits of AVX2: is it another level?")
    endif()
  elseif(NOT output STREQUAL expected)
    message(FATAL_ERROR "${level}:\n${output}\nheaders alone, for AVX2:\n${expected}")
  endif()
endforeach()

# Of no level's name there is a message, and the highest level.
set(ENV{SLM_INSTRUCTION_SET} sse9)
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output ERROR_VARIABLE said)
set(message "^slm: SLM_INSTRUCTION_SET is \"sse9\", but this processor has baseline[a-z0-9 ]*: it runs ")
if(NOT said MATCHES "${message}([a-z0-9]+)\n([a-z0-9]+)\n" OR NOT CMAKE_MATCH_1 STREQUAL CMAKE_MATCH_2)
  message(FATAL_ERROR "an unknown level is not told of:\n${said}")
endif()
