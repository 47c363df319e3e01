# A program without -march links slm::compiled, which has the instruction set of this machine: each calls kernels of
# its own. As part of the program's build, compiled for this machine alone, and installed, for every processor where
# SLM_DISPATCH is, it has the bits of headers alone with the flags of this machine. No operation of the models is
# missing from slm/compiled.hpp. Arguments: see CMakeLists.txt.
cmake_minimum_required(VERSION 3.20)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT RESULT_VARIABLE result OUTPUT_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGV}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

unset(ENV{CXXFLAGS})
file(REMOVE_RECURSE ${WORK_DIR})
set(setting -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE= -DEigen3_DIR=${EIGEN_DIR}
  -DSLM_NATIVE=${SLM_NATIVE})
set(consumer ${SLM_SOURCE}/tests/packaging/compiled)
set(text ${SLM_SOURCE}/docs/design.md)
set(native)
if(SLM_NATIVE AND HAS_MARCH_NATIVE)
  set(native -march=native)
endif()

set(build ${WORK_DIR}/part)
file(READ ${SLM_SOURCE}/include/slm/compiled.hpp list)
string(REGEX MATCH "\n#define SLM_MODEL.*" models "${list}")
file(WRITE ${WORK_DIR}/models.cpp
  "#include <slm/slm.hpp>\n#undef SLM_INSTANTIATE\n#define SLM_INSTANTIATE template\nnamespace slm {${models}")
run(${CMAKE_COMMAND} -S ${consumer} -B ${build} ${setting} -DSLM_SOURCE=${SLM_SOURCE} -DSLM_DISPATCH=OFF
  -DNATIVE=${native} -DMODELS=${WORK_DIR}/models.cpp)
run(${CMAKE_COMMAND} --build ${build} --target compiled headers models)
run(${build}/compiled ${text})
set(compiled "${output}")
run(${build}/headers ${text})
if(NOT compiled STREQUAL output)
  message(FATAL_ERROR "slm::compiled gives other numbers than headers alone:\n${compiled}instead of\n${output}")
endif()

# A program that makes the models itself takes their operations from the library: it has none of its own, as it would
# have of one that the list leaves out.
run(${NM} --demangle --defined-only ${build}/libmodels.a)
string(REGEX MATCHALL "slm::operation<float, [^(\n]*" missing "${output}")
list(REMOVE_DUPLICATES missing)
if(missing OR NOT output MATCHES "slm::TransformerLM<float>::next_token")
  list(JOIN missing "\n" missing)
  message(FATAL_ERROR "include/slm/compiled.hpp lists not all operations of the models:\n${missing}")
endif()

run(${CMAKE_COMMAND} -S ${SLM_SOURCE} -B ${WORK_DIR}/slm ${setting} -DCMAKE_BUILD_TYPE=Release
  -DSLM_DISPATCH=${SLM_DISPATCH} -DSLM_INSTALL_COMPILED=ON -DSLM_BUILD_TESTS=OFF -DSLM_BUILD_EXAMPLES=OFF -DSLM_BUILD_BENCH=OFF)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/slm)
run(${CMAKE_COMMAND} --install ${WORK_DIR}/slm --prefix ${WORK_DIR}/prefix)
set(build ${WORK_DIR}/installed)
run(${CMAKE_COMMAND} -S ${consumer} -B ${build} ${setting} -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} --build ${build})
if(NOT SLM_NATIVE)
  set(ENV{SLM_INSTRUCTION_SET} baseline)
endif()
run(${build}/compiled ${text})
if(NOT compiled STREQUAL output)
  message(FATAL_ERROR "the installed slm::compiled gives other numbers:\n${output}instead of\n${compiled}")
endif()

# What multiplies in the program multiplies in the library.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${consumer} -B ${WORK_DIR}/other ${setting}
  -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix -DSLM_GEMM=eigen RESULT_VARIABLE result ERROR_VARIABLE error)
if(result EQUAL 0 OR NOT error MATCHES "SLM_GEMM is \"eigen\", but slm::compiled was installed with slm")
  message(FATAL_ERROR "an installed slm::compiled does not refuse another SLM_GEMM:\n${error}")
endif()
