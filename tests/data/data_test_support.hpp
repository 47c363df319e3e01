#pragma once
// What the tests of slm/data share: a folder that vanishes, an environment variable that is put back, the
// message of an error, and the public corpora where this machine has them.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../examples/studies/harness/find_data.hpp"
#include "error_message.hpp"
#include "slm/core/check.hpp"
#include "temporary_folder.hpp"

namespace data_test {

using slm_test::has;
using slm_test::message_of;
using slm_test::TemporaryFolder;

/// SLM_DATA set (or, if empty, unset) for the length of a test.
class DataVariable {
 public:
  explicit DataVariable(const std::string& value) {
    if (const char* before = std::getenv("SLM_DATA")) before_ = before;
    set(value.empty() ? std::nullopt : std::optional(value));
  }
  DataVariable(const DataVariable&) = delete;
  DataVariable& operator=(const DataVariable&) = delete;
  ~DataVariable() { set(before_); }

 private:
  static void set(const std::optional<std::string>& value) {
    if (value) {
      ::setenv("SLM_DATA", value->c_str(), 1);
    } else {
      ::unsetenv("SLM_DATA");
    }
  }
  std::optional<std::string> before_;
};

/// The folder that has these public corpora, looked for beside the source folder and in it; nothing, after a
/// message which of them is missing. Not in SLM_DATA: a folder of one corpus would be taken for that of any
/// other.
inline std::optional<std::string> public_folder(const std::vector<std::string>& names) {
  const DataVariable unset("");
  const std::string source = std::filesystem::absolute(SLM_TESTS_DIR "/..").lexically_normal().string();
  std::optional<std::string> folder;
  for (const std::string& name : names) {
    const auto found = slm::studies::find_data(name, "", {source + "/../shared/data", source + "/data"});
    if (!found.folder) {
      MESSAGE("skipped: ", name, " is in none of ", found.searched_text());
      return std::nullopt;
    }
    folder = std::filesystem::path(*found.folder).parent_path().string();
  }
  return folder;
}

}  // namespace data_test
