#include "harness/line_file.hpp"

#include <array>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "harness/file_lock.hpp"
#include "slm/data/text_file.hpp"

namespace slm::studies {

namespace {

void append(const std::string& path, std::string_view line) {
  const detail::Descriptor file = open_locked(path, O_RDWR | O_APPEND);
  const off_t size = ::lseek(file.number(), 0, SEEK_END);
  char last = '\n';
  // A last line that was cut off, as by the death of who wrote it, must not swallow this one.
  const bool cut_off = size > 0 && ::pread(file.number(), &last, 1, size - 1) == 1 && last != '\n';
  const std::string text = make_text({cut_off ? "\n" : "", line, "\n"});
  const auto fail = [&](const char* call, int error) {
    [[maybe_unused]] const int undone = ::ftruncate(file.number(), size);
    detail::throw_system_error("write", path, call, error);
  };
  const auto count = detail::uninterrupted([&] { return ::write(file.number(), text.data(), text.size()); });
  if (count != static_cast<ssize_t>(text.size())) fail("write", count < 0 ? errno : ENOSPC);
  // A full disk of an NFS server shows only here.
  if (detail::uninterrupted([&] { return ::fsync(file.number()); }) != 0) fail("fsync", errno);
}

/// The text of the file, at a time when nobody writes to it.
std::string read_lines(const std::string& path) {
  const detail::Descriptor file(path, O_RDONLY);
  if (file.number() < 0) detail::throw_system_error("read", path, "open");
  [[maybe_unused]] const bool locked = share_lock(file);
  std::string text;
  std::array<char, 1 << 16> block;
  while (true) {
    const auto count = detail::uninterrupted([&] { return ::read(file.number(), block.data(), block.size()); });
    if (count < 0) detail::throw_system_error("read", path, "read");
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

void append_line(const std::string& path, std::string_view line) {
  try {
    append(path, line);
  } catch (const DataError&) {
    std::cerr << line << "\n";
    throw;
  }
}

Index for_each_line(const std::string& path, Index named, std::string_view what,
                    const std::function<void(const std::string&)>& take) {
  if (!file_exists(path)) return 0;
  std::istringstream text(read_lines(path));
  Index number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      take(line);
    } catch (const DataError& error) {
      if (number <= named) continue;
      std::cerr << path << ":" << number << ": left alone, "
                << (text.eof() ? "cut off while it was written" : "not a " + std::string(what)) << ": "
                << error.what() << "\n";
    }
  }
  return number;
}

void make_folders(const std::string& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(folder) / name, error);
    if (error) {
      throw DataError(make_text({"cannot make the folder '", folder, "/", name, "': ", error.message()}));
    }
  }
}

void require_line_file(const std::string& path) {
  if (detail::Descriptor(path, O_WRONLY | O_CREAT | O_APPEND, 0666).number() < 0) {
    detail::throw_system_error("write", path, "open");
  }
}

}  // namespace slm::studies
