#pragma once
// What the tests of slm/io share: a folder that vanishes, plain file access, and the text of an error.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "error_message.hpp"
#include "slm/core/check.hpp"
#include "temporary_folder.hpp"

namespace io_test {

using slm_test::has;
using slm_test::message_of;
using slm_test::TemporaryFolder;

inline void put(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::string get(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The exit code of a child process that runs `task`, an int(): for what a process cannot take back.
template <class Task>
int exit_code_of_child(const Task& task) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    int code = 99;
    try {
      code = task();
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace io_test
