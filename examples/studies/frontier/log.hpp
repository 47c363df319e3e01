#pragma once
// The results of the frontier: a line of frontier.jsonl for each model that was scored.
#include "harness/result_log.hpp"

namespace slm::frontier {

class Log : public studies::ResultLog {
 public:
  /// Reads frontier.jsonl of the folder.
  explicit Log(std::string folder);

  /// Makes the folders and the file where they are missing. Throws `DataError` if it cannot be written.
  void prepare() { ResultLog::prepare({"checkpoints", "claims"}); }

  /// The line of a training at a budget; null where there is none. A pointer lasts until the next refresh.
  const nlohmann::json* find(const std::string& key, double budget) const;
};

}  // namespace slm::frontier
