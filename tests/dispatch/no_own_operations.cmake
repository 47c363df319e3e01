# cmake -DLIBRARIES=… -DNM=… -P no_own_operations.cmake
# The studies take all operations on numbers from slm::compiled: one that compiled.hpp does not list, or of a file that
# does not include slm/slm.hpp, would be compiled for any processor and be slow.
cmake_minimum_required(VERSION 3.20)

foreach(library IN LISTS LIBRARIES)
  execute_process(COMMAND ${NM} --demangle --defined-only ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "slm::operation<float, [^(\n]*" own "${symbols}")
  if(own)
    list(REMOVE_DUPLICATES own)
    list(JOIN own "\n" own)
    message(FATAL_ERROR "${library} has operations of its own:\n${own}")
  endif()
endforeach()
