#include "board/log.hpp"

#include <utility>

namespace slm::leaderboard {

namespace {

void check(const nlohmann::json& line) {
  for (const char* name : {"key", "entry", "target"}) line.at(name).get_ref<const std::string&>();
  if (!line.contains("diverged")) line.at("nll").get<double>();
}

}  // namespace

Log::Log(std::string folder) : ResultLog(std::move(folder), "leaderboard.jsonl", check) {}

const nlohmann::json* Log::find(const std::string& key) const {
  return ResultLog::find([&](const nlohmann::json& line) { return line["key"] == key; });
}

}  // namespace slm::leaderboard
