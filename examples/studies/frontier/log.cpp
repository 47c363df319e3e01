#include "frontier/log.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "harness/line_file.hpp"
#include "slm/data/text_file.hpp"

namespace slm::frontier {

namespace {

/// Throws where it is no result.
nlohmann::json parse(const std::string& line) {
  nlohmann::json json = nlohmann::json::parse(line);
  for (const char* name : {"key", "family", "size", "stage", "text", "part"}) {
    json.at(name).get_ref<const std::string&>();
  }
  json.at("budget").get<double>();
  json.at("seed").get<std::uint64_t>();
  json.at("quick").get<bool>();
  if (!json.contains("diverged")) json.at("nll").get<double>();
  return json;
}

}  // namespace

Log::Log(std::string folder) : folder_(std::move(folder)), path_(folder_ + "/frontier.jsonl") { refresh(); }

void Log::refresh() {
  lines_.clear();
  if (!file_exists(path_)) return;
  std::istringstream text(studies::read_lines(path_));
  Index number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      lines_.push_back(parse(line));
    } catch (const nlohmann::json::exception& error) {
      if (number <= lines_read_) continue;  // it was named before
      std::cerr << path_ << ":" << number << ": left alone, not a result: " << error.what() << "\n";
    }
  }
  lines_read_ = number;
}

void Log::prepare() {
  for (const char* name : {"/checkpoints", "/claims"}) {
    std::error_code error;
    std::filesystem::create_directories(folder_ + name, error);
    if (error) throw DataError(make_text({"cannot make the folder '", folder_, name, "': ", error.message()}));
  }
  studies::require_line_file(path_);
}

void Log::append(const nlohmann::ordered_json& line) {
  const std::string text = line.dump();
  try {
    studies::append_line(path_, text);
  } catch (const DataError&) {
    std::cerr << text << "\n";
    throw;
  }
  lines_.push_back(parse(text));
}

const nlohmann::json* Log::find(const std::string& key, double budget) const {
  const auto found = std::find_if(lines_.rbegin(), lines_.rend(), [&](const nlohmann::json& line) {
    return line["key"] == key && line["budget"] == budget;
  });
  return found == lines_.rend() ? nullptr : &*found;
}

}  // namespace slm::frontier
