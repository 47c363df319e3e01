# cmake -DCOMPILER=… -DINCLUDE=… -DOTHERS=… -DHEADERS=… -P old_language.cmake
# In C++17 a compiler says one error of each header: the language that slm is written in. OTHERS are folders of the
# libraries that headers read before they read slm's.
list(TRANSFORM OTHERS PREPEND -I)
foreach(header IN LISTS HEADERS)
  execute_process(COMMAND ${COMPILER} -std=c++17 -I${INCLUDE} ${OTHERS} -fsyntax-only -x c++ ${INCLUDE}/${header}
    ERROR_VARIABLE messages)
  string(REGEX MATCHALL "error: [^\n]*" errors "${messages}")
  if(NOT errors MATCHES "^error: ['\"]?(#error \")?slm is written in C\\+\\+20[^;]*$")
    message(SEND_ERROR "${header} in C++17: expected one error that names C++20, got\n${messages}")
  endif()
endforeach()
