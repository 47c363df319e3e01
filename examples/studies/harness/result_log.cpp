#include "harness/result_log.hpp"

#include <algorithm>

#include "harness/line_file.hpp"
#include "harness/machine.hpp"
#include "slm/core/parallel.hpp"
#include "slm/version.hpp"

namespace slm::studies {

ResultLog::ResultLog(std::string folder, const std::string& name, Check check)
    : folder_(std::move(folder)), path_(folder_ + "/" + name), check_(check) {
  refresh();
}

nlohmann::json ResultLog::parse(const std::string& line) const try {
  nlohmann::json json = nlohmann::json::parse(line);
  check_(json);
  return json;
} catch (const nlohmann::json::exception& error) {
  throw DataError(error.what());
}

void ResultLog::refresh() {
  lines_.clear();
  lines_read_ = for_each_line(path_, lines_read_, "result",
                              [&](const std::string& line) { lines_.push_back(parse(line)); });
}

void ResultLog::prepare(std::initializer_list<const char*> folders) {
  make_folders(folder_, folders);
  require_line_file(path_);
}

void ResultLog::append(nlohmann::ordered_json line) {
  line.emplace("threads", threads());
  line.emplace("compiler", compiler_name());
  line.emplace("cpu", cpu_name());
  line.emplace("version", version);
  const std::string text = line.dump();
  append_line(path_, text);
  lines_.push_back(parse(text));
}

const nlohmann::json* ResultLog::find(const std::function<bool(const nlohmann::json&)>& is_meant) const {
  const auto found = std::find_if(lines_.rbegin(), lines_.rend(), is_meant);
  return found == lines_.rend() ? nullptr : &*found;
}

}  // namespace slm::studies
