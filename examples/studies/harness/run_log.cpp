#include "harness/run_log.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/identity.hpp"
#include "harness/line_file.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"

namespace slm::studies {

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
  std::istringstream text(read_lines(path_));
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
  require_line_file(path_);
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
