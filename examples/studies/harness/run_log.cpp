#include "harness/run_log.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/file_lock.hpp"
#include "harness/identity.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"

namespace slm::studies {

namespace {

/// What AtomicFile does for whole files, for one line at the end: whole or not at all.
void append_line(const std::string& path, const std::string& line) {
  const detail::Descriptor file = open_locked(path, O_RDWR | O_APPEND);
  const off_t size = ::lseek(file.number(), 0, SEEK_END);
  char last = '\n';
  // A last line that was cut off, as by the death of who wrote it, must not swallow this one.
  const bool cut_off = size > 0 && ::pread(file.number(), &last, 1, size - 1) == 1 && last != '\n';
  const std::string text = (cut_off ? "\n" : "") + line + "\n";
  const auto fail = [&](const char* call, int error) {
    [[maybe_unused]] const int undone = ::ftruncate(file.number(), size);
    detail::throw_system_error("write", path, call, error);
  };
  const auto count = detail::uninterrupted([&] { return ::write(file.number(), text.data(), text.size()); });
  if (count != static_cast<ssize_t>(text.size())) fail("write", count < 0 ? errno : ENOSPC);
  // A full disk of an NFS server shows only here.
  if (detail::uninterrupted([&] { return ::fsync(file.number()); }) != 0) fail("fsync", errno);
}

/// The text of the file, which nobody writes to at that time.
std::string read_all(const std::string& path) {
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

RunLog::RunLog(const std::string& out) {
  const std::filesystem::path place(out);
  const bool is_file = place.extension() == ".jsonl" && !std::filesystem::is_directory(place);
  path_ = is_file ? out : (place / "runs.jsonl").string();
  const auto folder = std::filesystem::path(path_).parent_path();
  folder_ = folder.empty() ? "." : folder.string();
  refresh();
}

void RunLog::refresh() {
  records_.clear();
  identities_.clear();
  if (!file_exists(path_)) return;
  std::istringstream text(read_all(path_));
  Index number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      add(from_line(line));
    } catch (const DataError& error) {
      if (number <= lines_read_) continue;  // it was named before
      const char* what =
          text.eof() ? ": left alone, cut off while it was written: " : ": left alone, not a run: ";
      std::cerr << path_ << ":" << number << what << error.what() << "\n";
    }
  }
  lines_read_ = number;
}

void RunLog::add(Record record) {
  identities_.push_back(identity(record).dump());
  records_.push_back(std::move(record));
}

void RunLog::prepare() {
  for (const char* name : {"/weights", "/losses", "/checkpoints", "/claims"}) {
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
  add(record);
}

std::optional<Record> RunLog::find(const Record& training) const {
  const auto found = std::find(identities_.rbegin(), identities_.rend(), identity(training).dump());
  if (found == identities_.rend()) return std::nullopt;
  return records_[static_cast<std::size_t>(identities_.rend() - found) - 1];
}

std::ptrdiff_t RunLog::count(const Record& training) const {
  return std::count(identities_.begin(), identities_.end(), identity(training).dump());
}

}  // namespace slm::studies
