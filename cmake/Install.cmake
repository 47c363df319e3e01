# Headers, and the files that find_package(slm) reads. They name no architecture, so they live in share; but with
# SLM_INSTALL_COMPILED slm::compiled is installed for this one.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(config_dir ${CMAKE_INSTALL_DATADIR}/cmake/slm)
configure_package_config_file(cmake/slmConfig.cmake.in ${PROJECT_BINARY_DIR}/slmConfig.cmake
  INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO)
set(targets slm)
set(arch_independent ARCH_INDEPENDENT)
if(SLM_INSTALL_COMPILED)
  set_target_properties(slm_compiled PROPERTIES EXCLUDE_FROM_ALL OFF)
  list(APPEND targets slm_compiled)
  set(arch_independent)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/slmConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ${arch_independent})

install(DIRECTORY include/slm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS ${targets} EXPORT slmTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT slmTargets NAMESPACE slm:: DESTINATION ${config_dir})
install(FILES cmake/Gemm.cmake cmake/Mpi.cmake ${PROJECT_BINARY_DIR}/slmConfig.cmake ${PROJECT_BINARY_DIR}/slmConfigVersion.cmake
  DESTINATION ${config_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
