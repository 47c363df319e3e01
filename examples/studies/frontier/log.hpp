#pragma once
// The results of the frontier: a line of frontier.jsonl for each model that was scored.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "slm/core/shape.hpp"

namespace slm::frontier {

class Log {
 public:
  /// Reads frontier.jsonl of the folder, where it is. A line that is none of a result is named on standard
  /// error and left alone.
  explicit Log(std::string folder);

  /// Reads the file again, with what other programs have added.
  void refresh();

  /// Makes the folders and the file where they are missing. Throws `DataError` if it cannot be written.
  void prepare();

  /// Adds a line, with what made it behind it: threads, compiler, processor, version. Makes it durable; throws
  /// `DataError`, after the line went to standard error instead.
  void append(nlohmann::ordered_json line);

  /// The line of a training at a budget; null where there is none. A pointer lasts until the next refresh.
  const nlohmann::json* find(const std::string& key, double budget) const;

  const std::vector<nlohmann::json>& lines() const { return lines_; }
  const std::string& path() const { return path_; }
  /// A path in the folder.
  std::string beside(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_, path_;
  std::vector<nlohmann::json> lines_;
  Index lines_read_ = 0;
};

}  // namespace slm::frontier
