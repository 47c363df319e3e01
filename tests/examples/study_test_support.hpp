#pragma once
// What the tests of the studies share: a study's program in a folder that vanishes.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "error_message.hpp"
#include "temporary_folder.hpp"

namespace study_test {

using slm_test::has;
using slm_test::TemporaryFolder;

inline void put(const std::string& path, std::string_view content) { std::ofstream(path) << content; }

inline std::string get(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The program of a study, or another one of a folder, running in a folder where it finds no data.
class Program {
 public:
  Program(const TemporaryFolder& folder, std::vector<std::string> arguments,
          const std::string& study = "tiny_shakespeare", const std::string& programs = SLM_STUDIES)
      : out_(folder / "stdout"), err_(folder / "stderr") {
    arguments.insert(arguments.begin(), programs + "/" + study);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    put(out_, "");
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ == 0) become(argv.data(), folder.path());
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (process_ > 0) ::kill(process_, SIGKILL), wait();
  }

  /// The exit code, or 128 and the number of the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Sends a signal as soon as the output has `text`. False if the program ended before.
  bool signal_after(std::string_view text, int number) {
    while (!has(output(), text)) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0) return process_ = 0, false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return ::kill(process_, number) == 0;
  }

  /// Sends a signal, unless `wait` has returned.
  void signal(int number) const {
    if (process_ > 0) ::kill(process_, number);
  }

  std::string output() const { return get(out_); }
  std::string errors() const { return get(err_); }

 private:
  [[noreturn]] void become(char** argv, const std::string& folder) const {
    const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::dup2(out, STDOUT_FILENO) < 0 || ::dup2(err, STDERR_FILENO) < 0 || ::chdir(folder.c_str()) != 0) {
      ::_exit(127);
    }
    ::unsetenv("SLM_DATA");
    ::execv(argv[0], argv);
    ::_exit(127);
  }

  std::string out_, err_;
  pid_t process_ = 0;
};

/// A process of this program that runs `work` and ends, unless it is killed before.
class Child {
 public:
  template <class Work>
  explicit Child(const Work& work) : process_(::fork()) {
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ > 0) return;
    int code = 1;
    try {
      work();
      code = 0;
    } catch (...) {
    }
    ::_exit(code);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (process_ > 0) kill();
  }

  pid_t number() const { return process_; }
  void kill() {
    ::kill(process_, SIGKILL);
    wait();
  }
  /// Whether it ended by itself, with all of its work.
  bool wait() {
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t process_;
};

/// Waits for a file that another process makes.
inline void wait_for(const std::string& path) {
  while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// Options for a study of seconds, with more of them behind.
inline std::vector<std::string> tiny(const std::vector<std::string>& more = {}) {
  std::vector<std::string> options = {"--data",         "synthetic", "--context", "8", "--windows", "96",
                                      "--eval-windows", "64",        "--epochs",  "2", "--threads", "1",
                                      "--no-peak"};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

/// The lines of a results file. Throws where one is no JSON.
inline std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace study_test
