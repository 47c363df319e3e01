#include "harness/run_log.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/identity.hpp"
#include "harness/line_file.hpp"

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
  lines_read_ =
      for_each_line(path_, lines_read_, "run", [&](const std::string& line) { add(from_line(line)); });
}

void RunLog::add(Record record) {
  identities_.push_back(identity(record).dump());
  records_.push_back(std::move(record));
}

void RunLog::prepare() {
  make_folders(folder_, {"weights", "losses", "checkpoints", "claims"});
  require_line_file(path_);
}

void RunLog::append(const Record& record) {
  append_line(path_, to_line(record));
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
