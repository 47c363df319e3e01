#include "board/log.hpp"

#include <algorithm>

#include "harness/line_file.hpp"
#include "harness/machine.hpp"
#include "slm/core/parallel.hpp"
#include "slm/version.hpp"

namespace slm::leaderboard {

namespace {

/// Throws a `DataError` where it is no result.
nlohmann::json parse(const std::string& line) try {
  nlohmann::json json = nlohmann::json::parse(line);
  for (const char* name : {"key", "entry", "target"}) json.at(name).get_ref<const std::string&>();
  if (!json.contains("diverged")) json.at("nll").get<double>();
  return json;
} catch (const nlohmann::json::exception& error) {
  throw DataError(error.what());
}

}  // namespace

Log::Log(const std::string& folder) : folder_(folder), path_(folder + "/leaderboard.jsonl") {
  studies::for_each_line(path_, 0, "result", [&](const std::string& line) { lines_.push_back(parse(line)); });
}

void Log::prepare() {
  studies::make_folders(folder_, {"checkpoints"});
  studies::require_line_file(path_);
}

void Log::append(nlohmann::ordered_json line) {
  line["threads"] = threads();
  line["compiler"] = studies::compiler_name();
  line["cpu"] = studies::cpu_name();
  line["version"] = version;
  const std::string text = line.dump();
  studies::append_line(path_, text);
  lines_.push_back(parse(text));
}

const nlohmann::json* Log::find(const std::string& key) const {
  const auto found = std::find_if(lines_.rbegin(), lines_.rend(),
                                  [&](const nlohmann::json& line) { return line["key"] == key; });
  return found == lines_.rend() ? nullptr : &*found;
}

}  // namespace slm::leaderboard
