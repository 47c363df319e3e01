# Who multiplies matrices of float (and, but for oneDNN, of double). Read by slm's own build and by
# find_package(slm), which both look at the variable SLM_GEMM:
#   slm      slm's own kernel; needs nothing
#   eigen    Eigen
#   blas     OpenBLAS (Debian: libopenblas-dev)
#   onednn   oneDNN (Debian: libdnnl-dev)
set(slm_gemm_choices slm eigen blas onednn)

# Sets <out>_INCLUDE_DIR and <out>_LIBRARY for blas or onednn, to …-NOTFOUND where there is none; and <out>_FOUND,
# whether slm can be built with it: oneDNN also needs OpenMP, which keeps it to one thread.
function(slm_find_gemm backend out)
  if(backend STREQUAL "blas")
    # By a file of OpenBLAS: cblas.h may be another library's.
    find_path(SLM_OPENBLAS_INCLUDE_DIR openblas_config.h
      PATH_SUFFIXES openblas-pthread openblas-openmp openblas-serial openblas)
    find_library(SLM_OPENBLAS_LIBRARY openblas)
    mark_as_advanced(SLM_OPENBLAS_INCLUDE_DIR SLM_OPENBLAS_LIBRARY)
    set(name SLM_OPENBLAS)
  else()
    find_path(SLM_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.h)
    find_library(SLM_ONEDNN_LIBRARY dnnl)
    mark_as_advanced(SLM_ONEDNN_INCLUDE_DIR SLM_ONEDNN_LIBRARY)
    set(name SLM_ONEDNN)
  endif()
  foreach(part INCLUDE_DIR LIBRARY)
    set(${out}_${part} ${${name}_${part}} PARENT_SCOPE)
  endforeach()
  set(usable OFF)
  if(${name}_INCLUDE_DIR AND ${name}_LIBRARY AND (backend STREQUAL "blas" OR TARGET OpenMP::OpenMP_CXX))
    set(usable ON)
  endif()
  set(${out}_FOUND ${usable} PARENT_SCOPE)
endfunction()

# Lets <target>, an interface library, and what links it multiply with <backend>. For `slm` nothing is added.
function(slm_use_gemm target backend)
  if(NOT backend IN_LIST slm_gemm_choices)
    string(REPLACE ";" ", " choices "${slm_gemm_choices}")
    message(FATAL_ERROR "slm: SLM_GEMM is \"${backend}\", but must be one of ${choices}")
  endif()
  if(backend STREQUAL "slm")
    return()
  endif()
  # What one build asks for is its own affair: an installed slm asks again.
  string(TOUPPER SLM_GEMM_${backend} definition)
  target_compile_definitions(${target} INTERFACE $<BUILD_INTERFACE:${definition}>)
  if(backend STREQUAL "eigen")
    return()
  endif()
  slm_find_gemm(${backend} found)
  if(NOT found_INCLUDE_DIR OR NOT found_LIBRARY)
    set(package_blas "OpenBLAS (Debian: libopenblas-dev)")
    set(package_onednn "oneDNN (Debian: libdnnl-dev)")
    message(FATAL_ERROR "slm: SLM_GEMM=${backend} needs ${package_${backend}}, which was not found")
  endif()
  target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${found_INCLUDE_DIR}>)
  target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:${found_LIBRARY}>)
endfunction()
