# Configures, builds and runs the consumer project CONSUMER in WORK_DIR, and looks at its compile commands:
# nothing but include folders, C++20 and OpenMP may have come from slm. Arguments: see CMakeLists.txt.
cmake_minimum_required(VERSION 3.20)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGV}")
  endif()
endfunction()

unset(ENV{CXXFLAGS})
file(REMOVE_RECURSE ${WORK_DIR})
set(without_openmp)
if(NOT SLM_OPENMP)
  set(without_openmp -DSLM_OPENMP=OFF -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON)
endif()

if(EXISTS ${SLM_BUILD}/slmConfig.cmake)
  run(${CMAKE_COMMAND} --install ${SLM_BUILD} --prefix ${WORK_DIR}/prefix)
endif()
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK_DIR}/build -G ${GENERATOR}
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE= -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix -DEigen3_DIR=${EIGEN_DIR} ${without_openmp}
  -DSLM_SOURCE=${SLM_SOURCE} -DSLM_EXPECTED_VERSION=${SLM_VERSION})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/consumer ${SLM_VERSION})

set(openmp_used OFF)
file(READ ${WORK_DIR}/build/compile_commands.json commands)
string(JSON count LENGTH ${commands})
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  string(JSON command GET ${commands} ${i} command)
  separate_arguments(arguments UNIX_COMMAND ${command})
  list(FILTER arguments INCLUDE REGEX "^-")
  foreach(argument IN LISTS arguments)
    if(argument MATCHES "^-fopenmp")
      set(openmp_used ON)
    elseif(NOT argument MATCHES "^(-I.*|-isystem|-std=(c|gnu)\\+\\+20|-o|-c)$")
      message(FATAL_ERROR "the flag ${argument} reached the consumer: ${command}")
    endif()
  endforeach()
endforeach()
if(openmp_used AND NOT SLM_OPENMP)
  message(FATAL_ERROR "the consumer was compiled with OpenMP, but slm without")
elseif(SLM_OPENMP AND NOT openmp_used)
  message(FATAL_ERROR "slm was built with OpenMP, but the consumer was compiled without")
endif()
