#pragma once
// What the tests of slm/data share: a folder that vanishes, an environment variable that is put back, the
// message of an error, and the public corpora where this machine has them.
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

/// The folder of a public corpus, looked for beside the source folder and in it. Not in SLM_DATA: a folder of
/// one corpus would be taken for that of any other.
inline slm::studies::FoundData find_public(const std::string& name) {
  const DataVariable unset("");
  const std::string source = SLM_TESTS_DIR "/..";
  return slm::studies::find_data(name, "", {source + "/../shared/data", source + "/data"});
}

}  // namespace data_test
