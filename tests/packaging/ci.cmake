# .ci/run makes warnings errors, runs its parts in order until one fails, and says how long each took. Runs it
# beside scripts that only say what they were given. Arguments: see CMakeLists.txt.
cmake_minimum_required(VERSION 3.20)

file(REMOVE_RECURSE ${WORK_DIR})
file(COPY ${SLM_SOURCE}/.ci DESTINATION ${WORK_DIR})
set(script "#!/bin/sh\necho \"\$0 \$* with SLM_WERROR=\$SLM_WERROR\"\ntest \"\$1\" != \"\$FAILING\"\n")
foreach(name IN ITEMS test.sh test_presets.sh)
  file(WRITE ${WORK_DIR}/scripts/${name} "${script}")
  file(CHMOD ${WORK_DIR}/scripts/${name} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()

function(expect_run failing code expected)
  set(ENV{FAILING} ${failing})
  execute_process(COMMAND ${WORK_DIR}/.ci/run OUTPUT_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL code OR NOT output MATCHES "${expected}")
    message(FATAL_ERROR ".ci/run ended with ${result} instead of ${code}, or did not say ${expected}:\n${output}")
  endif()
endfunction()

set(minutes "[0-9]+\\.[0-9] minutes")
expect_run(nothing 0 "test.sh  *with SLM_WERROR=ON\n.*test_presets.sh portable with SLM_WERROR=ON\n.*\
${minutes}  scripts/test.sh\n.*asan\n.*${minutes}  scripts/test_presets.sh portable\n\
.*eigen\n.*${minutes}  in all\n$")
expect_run(portable 1 "test_presets.sh portable [^\n]*\n *${minutes}  scripts/test.sh\n\
 *${minutes}  scripts/test_presets.sh asan\n *${minutes}  scripts/test_presets.sh portable: failed\n *${minutes}  in all\n$")
