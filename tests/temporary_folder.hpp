#pragma once
// A folder that vanishes.
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slm_test {

/// A fresh, empty folder, removed with all it holds at the end of the test. It is alone in its parent, so that
/// a program in it finds nothing in "../shared".
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "slm-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    parent_ = name;
    path_ = name + "/folder";
    std::filesystem::create_directory(path_);
    // Another user whom a test becomes may pass through.
    using std::filesystem::perms;
    std::filesystem::permissions(parent_, perms::group_exec | perms::others_exec,
                                 std::filesystem::perm_options::add);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(parent_, ignored);
  }

  std::string path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  /// Number of files and folders in it.
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

  /// Writes a file below the folder, with the folders it needs.
  void put(const std::string& name, std::string_view content) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::string parent_, path_;
};

}  // namespace slm_test
