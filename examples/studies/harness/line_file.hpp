#pragma once
// A file of lines that is only ever added to, by any number of programs.
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "slm/core/shape.hpp"

namespace slm::studies {

/// Adds a line and makes it durable: what AtomicFile does for whole files, for one line at the end. The line
/// appears whole or not at all, also beside other writers, on this machine or on another. Where it cannot be
/// written it goes to standard error instead, and a `DataError` is thrown.
void append_line(const std::string& path, std::string_view line);

/// Calls take(line) for each line of the file that is not blank. One for which it throws a `DataError` is named
/// on standard error and left alone, as none of a `what`, unless it is among the first `named` lines. Returns
/// how many lines there are, at a time when nobody writes; none where there is no file.
Index for_each_line(const std::string& path, Index named, std::string_view what,
                    const std::function<void(const std::string&)>& take);

/// Makes these folders in another, where they are missing, and it. Throws a `DataError` where it cannot.
void make_folders(const std::string& folder, std::initializer_list<const char*> names);

/// Makes the file where it is missing. Throws `DataError` if it cannot be written.
void require_line_file(const std::string& path);

}  // namespace slm::studies
