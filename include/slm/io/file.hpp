#pragma once
// Whole files: read with a limit, written all or nothing. POSIX system calls only.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "slm/core/check.hpp"
#include "slm/io/bytes.hpp"

namespace slm {

namespace detail {

[[noreturn]] inline void throw_file_error(std::string_view task, const std::string& path,
                                          std::string_view why) {
  throw_error<DataError>({"cannot ", task, " '", path, "': ", why});
}

/// For a system call that failed just now: "cannot write 'a/b': fsync: No space left on device".
[[noreturn]] inline void throw_system_error(std::string_view task, const std::string& path,
                                            std::string_view call, int code = errno) {
  throw_file_error(task, path, std::string(call) + ": " + std::generic_category().message(code));
}

/// Calls work(); a `DataError` of it then says which of slm's functions could not do its work:
/// "load_model: cannot read 'a/b': open: No such file or directory".
template <class Work>
decltype(auto) named_in_errors(std::string_view function, const Work& work) {
  try {
    return work();
  } catch (const DataError& error) {
    const std::string_view why = error.what();
    if (why.starts_with(function)) throw;
    throw_error<DataError>({function, ": ", why});
  }
}

/// Repeats a system call for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

inline void require_regular_file(const struct stat& status, std::string_view task, const std::string& path) {
  if (S_ISDIR(status.st_mode)) throw_file_error(task, path, "expected a file, got a folder");
  if (!S_ISREG(status.st_mode)) throw_file_error(task, path, "expected a regular file, got a device or pipe");
}

/// Owner of an open file.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const std::string& path, int flags, mode_t mode = 0)
      : number_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  /// Negative where nothing is open; after a failed opening errno says why.
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

}  // namespace detail

/// A regular file that is read from its start on.
class InputFile {
 public:
  /// Throws `DataError` where there is no readable regular file.
  explicit InputFile(const std::string& path)
      : path_(path), descriptor_(path, O_RDONLY | O_NONBLOCK) {  // a pipe without a writer must not hang us
    struct stat status {};
    if (descriptor_.number() < 0) detail::throw_system_error("read", path_, "open");
    if (::fstat(descriptor_.number(), &status) != 0) detail::throw_system_error("read", path_, "fstat");
    detail::require_regular_file(status, "read", path_);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  /// Size in bytes when it was opened.
  std::uint64_t size() const { return size_; }

  /// Fills `bytes` with what comes next. Throws `DataError` if the file ends before.
  void read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const auto count =
          detail::uninterrupted([&] { return ::read(descriptor_.number(), bytes.data(), bytes.size()); });
      if (count < 0) detail::throw_system_error("read", path_, "read");
      if (count == 0) {
        detail::throw_file_error("read", path_,
                                 make_text({"the file ends ", bytes.size(), " bytes too early"}));
      }
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

 private:
  std::string path_;
  detail::Descriptor descriptor_;
  std::uint64_t size_ = 0;
};

/// A file that takes its place at `path` when `commit` is called: until then it is a temporary file in the
/// same folder, removed if `commit` is never reached, as where the writer throws. A file that stood there
/// before keeps its permissions, and a symbolic link to a file keeps its place; one to nothing is replaced.
/// Failures throw `DataError`.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path)
      : path_(path), target_(resolve(path)), folder_(folder_of(target_), O_RDONLY | O_DIRECTORY) {
    if (path_.empty()) detail::throw_file_error("write", path_, "expected a path, got an empty text");
    if (folder_.number() < 0) detail::throw_system_error("write", path_, "open the folder");
    struct stat old {};
    const bool replaces = ::stat(target_.c_str(), &old) == 0;
    if (replaces) {
      detail::require_regular_file(old, "write", path_);
      if (::access(target_.c_str(), W_OK) != 0) detail::throw_system_error("write", path_, "access");
    }
    create();
    if (replaces && ::fchmod(file_.number(), old.st_mode & 07777) != 0) fail("fchmod");
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto count =
          detail::uninterrupted([&] { return ::write(file_.number(), bytes.data(), bytes.size()); });
      if (count < 0) fail("write");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void write(std::string_view text) { write(detail::bytes_at(text.data(), text.size())); }

  /// Makes the bytes durable, then the new name. If only the last step fails, that of the name, the new file
  /// is in place and whole, and the error says that a power cut may still undo it.
  void commit() {
    if (detail::uninterrupted([&] { return ::fsync(file_.number()); }) != 0) fail("fsync");
    if (::close(file_.release()) != 0) fail("close");
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename");
    temporary_.clear();
    // EINVAL: a file system that has no such thing as flushing a folder
    if (detail::uninterrupted([&] { return ::fsync(folder_.number()); }) != 0 && errno != EINVAL) {
      detail::throw_system_error("make durable", path_, "fsync of the folder");
    }
  }

 private:
  /// The file a symbolic link points at; `path` itself where there is no file yet.
  static std::string resolve(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    return real ? real.get() : path;
  }

  static std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return path.substr(0, slash + 1);
  }

  /// Opens a file that was not there before; its name holds the process and a running number.
  void create() {
    static std::atomic<unsigned> running{0};
    for (int attempts = 0;; ++attempts) {
      temporary_ = target_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(running++);
      file_ = detail::Descriptor(temporary_, O_WRONLY | O_CREAT | O_EXCL, 0666);
      if (file_.number() >= 0) return;
      const int error = errno;
      if (error == EEXIST && attempts < 100) continue;  // left over by a killed process of the same number
      temporary_.clear();
      detail::throw_system_error("write", path_, "create a temporary file beside it", error);
    }
  }

  [[noreturn]] void fail(std::string_view call) {
    const int error = errno;
    discard();
    detail::throw_system_error("write", path_, call, error);
  }

  void discard() {
    if (temporary_.empty()) return;
    ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::string path_, target_;
  std::string temporary_;  // empty when there is nothing to remove
  detail::Descriptor folder_;
  detail::Descriptor file_;
};

/// Throws the `DataError` that writing this file would end with now, as where its folder is not there or may
/// not be written: before hours of work rather than after them.
inline void require_writable(const std::string& path) {
  detail::named_in_errors("require_writable", [&] { AtomicFile file(path); });
}

}  // namespace slm
