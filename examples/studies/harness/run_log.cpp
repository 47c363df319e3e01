#include "harness/run_log.hpp"

#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"

namespace slm::studies {

namespace {

/// What AtomicFile does for whole files, for one line at the end: whole or not at all.
void append_line(const std::string& path, const std::string& line) {
  const detail::Descriptor file(path, O_RDWR | O_CREAT | O_APPEND, 0666);
  if (file.number() < 0) detail::throw_system_error("write", path, "open");
  if (detail::uninterrupted([&] { return ::flock(file.number(), LOCK_EX); }) != 0) {
    detail::throw_system_error("write", path, "flock");
  }
  const off_t size = ::lseek(file.number(), 0, SEEK_END);
  char last = '\n';
  // A last line that was cut off, by an editor for example, must not swallow this one.
  const bool cut_off = size > 0 && ::pread(file.number(), &last, 1, size - 1) == 1 && last != '\n';
  const std::string text = (cut_off ? "\n" : "") + line + "\n";
  const auto count = detail::uninterrupted([&] { return ::write(file.number(), text.data(), text.size()); });
  if (count != static_cast<ssize_t>(text.size())) {
    const int error = count < 0 ? errno : ENOSPC;
    [[maybe_unused]] const int undone = ::ftruncate(file.number(), size);
    detail::throw_system_error("write", path, "write", error);
  }
  if (detail::uninterrupted([&] { return ::fsync(file.number()); }) != 0) {
    detail::throw_system_error("write", path, "fsync");
  }
}

}  // namespace

RunLog::RunLog(const std::string& out) {
  const std::filesystem::path place(out);
  const bool is_file = place.extension() == ".jsonl" && !std::filesystem::is_directory(place);
  path_ = is_file ? out : (place / "runs.jsonl").string();
  const auto folder = std::filesystem::path(path_).parent_path();
  folder_ = folder.empty() ? "." : folder.string();
  if (!file_exists(path_)) return;
  std::ifstream file(path_);
  if (!file) detail::throw_system_error("read", path_, "open");
  Index number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      records_.push_back(from_line(line));
    } catch (const DataError& error) {
      std::cerr << path_ << ":" << number << ": left alone, not a run: " << error.what() << "\n";
    }
  }
}

void RunLog::prepare() {
  for (const char* name : {"/weights", "/losses", "/checkpoints"}) {
    std::error_code error;
    std::filesystem::create_directories(folder_ + name, error);
    if (error) throw DataError(make_text({"cannot make the folder '", folder_, name, "': ", error.message()}));
  }
  if (detail::Descriptor(path_, O_WRONLY | O_CREAT | O_APPEND, 0666).number() < 0) {
    detail::throw_system_error("write", path_, "open");
  }
}

void RunLog::append(const Record& record) {
  const std::string line = to_line(record);
  try {
    append_line(path_, line);
  } catch (const DataError&) {
    std::cerr << line << "\n";
    throw;
  }
  records_.push_back(record);
}

std::optional<Record> RunLog::find(const Record& training) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const Record& record) { return record.same_training(training); });
  return found == records_.rend() ? std::nullopt : std::optional(*found);
}

}  // namespace slm::studies
