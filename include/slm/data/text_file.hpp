#pragma once
// Text files as a whole.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "slm/core/check.hpp"

namespace slm {

namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace detail

/// Whether there is anything of this name; a file that may not be read counts, so that reading it can say why.
inline bool file_exists(const std::string& path) {
  const detail::File file(std::fopen(path.c_str(), "rb"));
  return file || (errno != ENOENT && errno != ENOTDIR);
}

/// All bytes of a file. Throws `DataError` with the system's reason.
inline std::string read_text(const std::string& path) {
  const detail::File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw_error<DataError>({"read_text: cannot open ", path, ": ", std::strerror(errno)});
  std::string text;
  char block[1 << 16];
  while (const std::size_t count = std::fread(block, 1, sizeof block, file.get())) text.append(block, count);
  if (std::ferror(file.get()))
    throw_error<DataError>({"read_text: cannot read ", path, ": ", std::strerror(errno)});
  return text;
}

}  // namespace slm
