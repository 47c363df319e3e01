# A warning fails the build of who works on slm, the preset `developer`, and that of CI, which says so in its
# environment, and nobody else's. Looks at compile commands. Arguments: see CMakeLists.txt.
cmake_minimum_required(VERSION 3.21)

unset(ENV{CXXFLAGS})
file(REMOVE_RECURSE ${WORK_DIR})
foreach(who IN ITEMS user ci developer)
  set(preset release)
  unset(ENV{SLM_WERROR})
  if(who STREQUAL "developer")
    set(preset developer)
  elseif(who STREQUAL "ci")
    set(ENV{SLM_WERROR} ON)
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} --preset ${preset} -B ${WORK_DIR}/${who} -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DEigen3_DIR=${EIGEN_DIR} -DSLM_BUILD_TESTS=OFF -DSLM_BUILD_BENCH=OFF
    WORKING_DIRECTORY ${SLM_SOURCE} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "the preset ${preset} cannot be configured")
  endif()
  file(READ ${WORK_DIR}/${who}/compile_commands.json commands)
  if(NOT commands MATCHES "-Wall .*-Wswitch")
    message(FATAL_ERROR "${who}: slm's programs are compiled without -Wall and -Wswitch")
  elseif(who STREQUAL "user" AND commands MATCHES "-Werror")
    message(FATAL_ERROR "a warning stops a user's build: the preset release has -Werror")
  elseif(NOT who STREQUAL "user" AND NOT commands MATCHES "-Werror")
    message(FATAL_ERROR "${who}: a warning does not stop the build")
  endif()
endforeach()
