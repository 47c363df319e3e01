#pragma once
// Results of a program that trains what is not recorded yet: a file of JSON, one line each.
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "slm/core/shape.hpp"

namespace slm::studies {

class ResultLog {
 public:
  /// Throws an error of JSON where it is no result.
  using Check = void (*)(const nlohmann::json& line);

  /// Reads the file of the folder, where it is. A line that is none of a result is named on standard error and
  /// left alone.
  ResultLog(std::string folder, const std::string& name, Check check);

  /// Reads the file again, with what other programs have added.
  void refresh();

  /// Makes the file, and these folders beside it, where they are missing. Throws `DataError` if it cannot be
  /// written.
  void prepare(std::initializer_list<const char*> folders);

  /// Adds a line, with what made it behind it unless it says so: threads, compiler, processor, version. Makes
  /// it durable; throws `DataError`, after the line went to standard error instead.
  void append(nlohmann::ordered_json line);

  /// The last line that is meant; null where there is none. A pointer lasts until the next line or refresh.
  const nlohmann::json* find(const std::function<bool(const nlohmann::json&)>& is_meant) const;

  const std::vector<nlohmann::json>& lines() const { return lines_; }
  const std::string& path() const { return path_; }
  /// A path in the folder.
  std::string beside(const std::string& name) const { return folder_ + "/" + name; }

 private:
  nlohmann::json parse(const std::string& line) const;

  std::string folder_, path_;
  Check check_;
  std::vector<nlohmann::json> lines_;
  Index lines_read_ = 0;
};

}  // namespace slm::studies
