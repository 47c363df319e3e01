# slm::mpi: slm with training over several processes (slm/distributed/mpi.hpp). Read by slm's own build and by
# find_package(slm COMPONENTS mpi).

# Makes the interface library <target> of <slm> and of MPI's C interface, where MPI is found: then <found> is ON.
macro(slm_add_mpi target slm found)
  find_package(MPI QUIET COMPONENTS CXX)
  set(${found} OFF)
  if(MPI_CXX_FOUND)
    set(${found} ON)
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(${target} INTERFACE ${slm} MPI::MPI_CXX)
  endif()
endmacro()
