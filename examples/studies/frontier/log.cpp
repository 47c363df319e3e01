#include "frontier/log.hpp"

#include <utility>

namespace slm::frontier {

namespace {

void check(const nlohmann::json& line) {
  for (const char* name : {"key", "family", "size", "stage", "text", "part"}) {
    line.at(name).get_ref<const std::string&>();
  }
  line.at("budget").get<double>();
  line.at("seed").get<std::uint64_t>();
  line.at("quick").get<bool>();
  if (!line.contains("diverged")) line.at("nll").get<double>();
}

}  // namespace

Log::Log(std::string folder) : ResultLog(std::move(folder), "frontier.jsonl", check) {}

const nlohmann::json* Log::find(const std::string& key, double budget) const {
  return ResultLog::find(
      [&](const nlohmann::json& line) { return line["key"] == key && line["budget"] == budget; });
}

}  // namespace slm::frontier
