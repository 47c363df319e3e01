#include "harness/file_lock.hpp"

#include <array>
#include <ctime>

namespace slm::studies {

namespace {

/// Calls fcntl(`command`) for a lock of the whole file: `type` is F_RDLCK or F_WRLCK.
int lock(const detail::Descriptor& file, int command, short type) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;  // from 0 on, and a length of 0 reaches to the end, wherever that will be
  return detail::uninterrupted([&] { return ::fcntl(file.number(), command, &whole); });
}

[[noreturn]] void throw_lock_error(const std::string& path) {
  const int error = errno;
  detail::throw_file_error("lock", path,
                           make_text({"fcntl: ", std::generic_category().message(error),
                                      "; expected a file system that keeps locks"}));
}

/// Whether the open file is the one that stands at `path`.
bool stands_at(const detail::Descriptor& file, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(file.number(), &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

detail::Descriptor opened(const std::string& path, int flags) {
  detail::Descriptor file(path, flags | O_CREAT, 0666);
  if (file.number() < 0) detail::throw_system_error("write", path, "open");
  return file;
}

std::string this_program() {
  std::array<char, 256> host{}, now{};
  ::gethostname(host.data(), host.size() - 1);
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::strftime(now.data(), now.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return make_text({"process ", ::getpid(), " on ", host.data(), " since ", now.data()});
}

std::string first_line(const detail::Descriptor& file) {
  std::array<char, 512> text{};
  const auto count = ::pread(file.number(), text.data(), text.size(), 0);
  const std::string_view read(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  const std::string_view line = read.substr(0, read.find('\n'));
  return line.empty() ? "another program" : std::string(line);
}

}  // namespace

detail::Descriptor open_locked(const std::string& path, int flags) {
  while (true) {
    detail::Descriptor file = opened(path, flags);
    if (lock(file, F_SETLKW, F_WRLCK) != 0) throw_lock_error(path);
    if (stands_at(file, path)) return file;
  }
}

bool share_lock(const detail::Descriptor& file) { return lock(file, F_SETLKW, F_RDLCK) == 0; }

Claim::Claim(const std::string& path) {
  detail::Descriptor file = opened(path, O_RDWR);
  if (lock(file, F_SETLK, F_WRLCK) != 0) {
    if (errno != EACCES && errno != EAGAIN) throw_lock_error(path);
    holder_ = first_line(file);
    return;
  }
  file_ = std::move(file);
  write_holder(this_program() + "\n");
}

Claim::~Claim() {
  if (held()) write_holder("");
}

void Claim::write_holder(std::string_view text) const {
  // For people only: the claim holds without it, as where the disk is full.
  [[maybe_unused]] const bool written =
      ::ftruncate(file_.number(), 0) == 0 && ::pwrite(file_.number(), text.data(), text.size(), 0) >= 0;
}

}  // namespace slm::studies
