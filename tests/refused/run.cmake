# cmake -DCOMPILER=… -DCOMPILER_ID=… -DINCLUDE=… -DSOURCE=… -P run.cmake
# Compiles a source that must not compile. Its comments say what the compiler has to say, one text a line
# ("// says: …").
file(STRINGS ${SOURCE} says REGEX "^// says: ")
list(TRANSFORM says REPLACE "^// says: " "")
if(COMPILER_ID MATCHES "Clang")
  set(flags -ferror-limit=0)  # it stops after 20 errors
endif()
execute_process(COMMAND ${COMPILER} -std=c++20 ${flags} -I${INCLUDE} -fsyntax-only ${SOURCE}
  RESULT_VARIABLE result ERROR_VARIABLE messages)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles, but must not")
endif()
foreach(text IN LISTS says)
  string(FIND "${messages}" "${text}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "the compiler does not say: ${text}")
    set(failed ON)
  endif()
endforeach()
if(failed)
  message("${messages}")
endif()
