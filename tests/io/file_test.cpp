#include "slm/io/file.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "io_test_support.hpp"

using namespace io_test;

namespace {

constexpr int skipped = 77;

/// Writes a file anew by writer(file).
template <class Writer>
void atomic_write(const std::string& path, const Writer& writer) {
  slm::AtomicFile file(path);
  writer(file);
  file.commit();
}
void atomic_write(const std::string& path, const std::string& content) {
  atomic_write(path, [&](slm::AtomicFile& file) { file.write(content); });
}
void atomic_write(const std::string& path, const char* content) { atomic_write(path, std::string(content)); }

/// Reads a file whole.
std::string read_file(const std::string& path) {
  slm::InputFile file(path);
  std::string content(file.size(), '\0');
  file.read(std::as_writable_bytes(std::span(content)));
  return content;
}

/// In a child process: tries to replace `path`, which holds "old", by 1 MB where `reason` stands against it.
/// 0 if that gave a clear error and left the old file alone.
int try_large_write(const std::string& path, const std::string& reason) {
  const std::string large(1 << 20, 'x');
  const std::string message = message_of<slm::DataError>([&] { atomic_write(path, large); });
  if (!has(message, path) || !has(message, "write: ") || !has(message, reason)) return 1;
  if (get(path) != "old") return 2;
  const auto folder = std::filesystem::path(path).parent_path();
  const auto entries =
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  return entries == 1 ? 0 : 3;
}

}  // namespace

TEST_CASE("a file is read back as it was written") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  std::string content(100'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 % 256);
  for (const std::string& text : {std::string(), std::string("a\nb\0c", 5), content}) {
    atomic_write(path, text);
    CHECK(read_file(path) == text);
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("a writer may write in pieces") {
  const TemporaryFolder folder;
  atomic_write(folder / "file", [](slm::AtomicFile& file) {
    file.write("one ");
    file.write("");
    file.write("two");
  });
  CHECK(read_file(folder / "file") == "one two");
}

TEST_CASE("what is no readable file gives an error with path and reason") {
  const TemporaryFolder folder;
  const std::string missing = folder / "missing";
  CHECK(message_of<slm::DataError>([&] { read_file(missing); }) ==
        "cannot read '" + missing + "': open: No such file or directory");
  CHECK(message_of<slm::DataError>([&] { read_file(folder.path()); }) ==
        "cannot read '" + folder.path() + "': expected a file, got a folder");
  CHECK(has(message_of<slm::DataError>([&] { read_file("/dev/null"); }), "expected a regular file"));
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(has(message_of<slm::DataError>([&] { read_file(pipe); }), "expected a regular file"));
}

TEST_CASE("a file that shrinks while it is read gives an error") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "12345678");
  slm::InputFile file(path);
  std::filesystem::resize_file(path, 3);
  std::string content(8, '\0');
  CHECK(message_of<slm::DataError>([&] { file.read(std::as_writable_bytes(std::span(content))); }) ==
        "cannot read '" + path + "': the file ends 5 bytes too early");
}

TEST_CASE("a writer that throws leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  CHECK_THROWS_AS(atomic_write(path,
                               [](slm::AtomicFile& file) {
                                 file.write("half of the new");
                                 throw std::domain_error("stop");
                               }),
                  std::domain_error);
  CHECK(get(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("the old file is whole until the new one takes its place") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  atomic_write(path, [&](slm::AtomicFile& file) {
    file.write("new");
    CHECK(get(path) == "old");
    CHECK(folder.entries() == 2);
  });
  CHECK(get(path) == "new");
}

TEST_CASE("two writers of one path do not meet") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  slm::AtomicFile first(path), second(path);
  first.write("first");
  second.write("second, longer");
  second.commit();
  CHECK(get(path) == "second, longer");
  first.commit();
  CHECK(get(path) == "first");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a left-over temporary file does not stand in the way") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  std::string temporary;
  atomic_write(path, [&](slm::AtomicFile&) {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      temporary = entry.path().string();
  });
  const auto dash = temporary.rfind('-');
  REQUIRE(has(temporary, "file.tmp-"));
  const std::string next =
      temporary.substr(0, dash + 1) + std::to_string(std::stoi(temporary.substr(dash + 1)) + 1);
  put(next, "left over");
  atomic_write(path, "new");
  CHECK(get(path) == "new");
  CHECK(get(next) == "left over");
}

TEST_CASE("permissions and symbolic links stay") {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  fs::create_directory(folder / "elsewhere");
  const std::string target = folder / "elsewhere/file", link = folder / "link";
  put(target, "old");
  fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("elsewhere/file", link);
  atomic_write(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(get(target) == "new");
  CHECK(fs::status(target).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a symbolic link to nothing is replaced by the file") {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const std::string link = folder / "link";
  fs::create_symlink("nothing", link);
  atomic_write(link, "new");
  CHECK_FALSE(fs::is_symlink(link));
  CHECK(get(link) == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a new file in the current folder needs no slash in its path") {
  const TemporaryFolder folder;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const std::string message = message_of<slm::DataError>([] { atomic_write("file", "content"); });
  std::filesystem::current_path(here);
  CHECK(message == "no error");
  CHECK(get(folder / "file") == "content");
}

TEST_CASE("what cannot be a file is not written over") {
  const TemporaryFolder folder;
  CHECK(message_of<slm::DataError>([&] { atomic_write(folder.path(), "x"); }) ==
        "cannot write '" + folder.path() + "': expected a file, got a folder");
  CHECK(has(message_of<slm::DataError>([&] { atomic_write(folder / "no/such/file", "x"); }),
            "No such file or directory"));
  CHECK(has(message_of<slm::DataError>([&] { atomic_write("", "x"); }), "expected a path, got an empty text"));
  put(folder / "file", "old");
  CHECK(has(message_of<slm::DataError>([&] { atomic_write(folder / "file/below", "x"); }), "Not a directory"));
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(has(message_of<slm::DataError>([&] { atomic_write(pipe, "x"); }), "expected a regular file"));
  CHECK(folder.entries() == 2);
}

TEST_CASE("an unwritable folder gives an error with the reason") {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  fs::permissions(path, fs::perms::all);
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
                                     fs::perms::others_exec);
  const int code = exit_code_of_child([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return skipped;  // the superuser may write anywhere
    const std::string message = message_of<slm::DataError>([&] { atomic_write(path, "new"); });
    const std::string foreseen = message_of<slm::DataError>([&] { slm::require_writable(path); });
    return has(message, path) && has(message, "Permission denied") && has(foreseen, message) ? 0 : 1;
  });
  fs::permissions(folder.path(), fs::perms::owner_all);
  WARN(code != skipped);
  CHECK((code == 0 || code == skipped));
  CHECK(get(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a write-protected file is not replaced") {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::others_read);
  fs::permissions(folder.path(), fs::perms::all);
  const int code = exit_code_of_child([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return skipped;
    return has(message_of<slm::DataError>([&] { atomic_write(path, "new"); }), "access: Permission denied") ? 0
                                                                                                            : 1;
  });
  WARN(code != skipped);
  CHECK((code == 0 || code == skipped));
  CHECK(get(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file size limit while writing leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  CHECK(exit_code_of_child([&] {
          ::signal(SIGXFSZ, SIG_IGN);
          const rlimit limit{4096, 4096};
          if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 4;
          return try_large_write(path, "File too large");
        }) == 0);
  CHECK(get(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a full disk leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const int code = exit_code_of_child([&] {
    // A disk of 64 KB that only this child sees; needs the right to mount.
    if (::unshare(CLONE_NEWNS) != 0) return skipped;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return skipped;
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) return skipped;
    put(folder / "file", "old");
    return try_large_write(folder / "file", "No space left on device");
  });
  WARN_MESSAGE(code != skipped, "no right to mount a small disk; the file size limit test stands in");
  CHECK((code == 0 || code == skipped));
}

TEST_CASE("whether a file can be written is found out before there is anything to write") {
  const TemporaryFolder folder;
  slm::require_writable(folder / "new");
  CHECK(folder.entries() == 0);
  put(folder / "old", "its content");
  slm::require_writable(folder / "old");
  CHECK(get(folder / "old") == "its content");
  CHECK(folder.entries() == 1);
  CHECK(message_of<slm::DataError>([&] { slm::require_writable(folder / "no folder/file"); }) ==
        "require_writable: cannot write '" + folder / "no folder/file" +
            "': open the folder: No such file or directory");
  CHECK(message_of<slm::DataError>([&] { slm::require_writable(folder.path()); }) ==
        "require_writable: cannot write '" + folder.path() + "': expected a file, got a folder");
}
