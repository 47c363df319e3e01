#pragma once
// A file of lines that is only ever added to, by any number of programs.
#include <string>
#include <string_view>

namespace slm::studies {

/// Adds a line and makes it durable: what AtomicFile does for whole files, for one line at the end. The line
/// appears whole or not at all, also beside other writers, on this machine or on another. Throws `DataError`
/// where it cannot be written.
void append_line(const std::string& path, std::string_view line);

/// The text of the file, at a time when nobody writes to it. Throws `DataError` where it cannot be read.
std::string read_lines(const std::string& path);

/// Makes the file where it is missing. Throws `DataError` if it cannot be written.
void require_line_file(const std::string& path);

}  // namespace slm::studies
