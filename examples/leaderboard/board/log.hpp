#pragma once
// The results of the leaderboard: a line of leaderboard.jsonl for each training that was scored.
#include "harness/result_log.hpp"

namespace slm::leaderboard {

class Log : public studies::ResultLog {
 public:
  /// Reads leaderboard.jsonl of the folder.
  explicit Log(std::string folder);

  /// Makes folders and file where they are missing. Throws `DataError` if it cannot be written.
  void prepare() { ResultLog::prepare({"checkpoints"}); }

  /// The line of a training; null where there is none. A pointer lasts until the next line.
  const nlohmann::json* find(const std::string& key) const;
};

}  // namespace slm::leaderboard
