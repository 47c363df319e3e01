#pragma once
// The results of the leaderboard: a line of leaderboard.jsonl for each training that was scored.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace slm::leaderboard {

class Log {
 public:
  /// Reads leaderboard.jsonl of the folder, where it is. A line that is none of a result is named on standard
  /// error and left alone.
  explicit Log(const std::string& folder);

  /// Makes folders and file where they are missing. Throws `DataError` if it cannot be written.
  void prepare();

  /// Adds a line, with what made it behind it: threads, compiler, processor, version. Makes it durable; throws
  /// `DataError`, after the line went to standard error instead.
  void append(nlohmann::ordered_json line);

  /// The line of a training; null where there is none. A pointer lasts until the next line.
  const nlohmann::json* find(const std::string& key) const;

  /// A path in the folder.
  std::string beside(const std::string& name) const { return folder_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string folder_, path_;
  std::vector<nlohmann::json> lines_;
};

}  // namespace slm::leaderboard
