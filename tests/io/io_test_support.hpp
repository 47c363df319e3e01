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

#include "slm/core/check.hpp"
#include "temporary_folder.hpp"

namespace io_test {

using slm_test::TemporaryFolder;

inline void put(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::string get(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The message of the `DataError` that `call` throws, or "no error". Other exceptions pass.
template <class Call>
std::string data_error(const Call& call) {
  try {
    call();
  } catch (const slm::DataError& error) {
    return error.what();
  }
  return "no error";
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
