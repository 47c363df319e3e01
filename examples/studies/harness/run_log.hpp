#pragma once
// The results file: one JSON object a line, only ever added to.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/record.hpp"

namespace slm::studies {

class RunLog {
 public:
  /// `out` is a folder, where the file is runs.jsonl, or a file that ends in .jsonl. Reads what is there; a
  /// line that is not a run, as one that a dying program left unfinished, is named on standard error and left
  /// alone. Makes nothing.
  explicit RunLog(const std::string& out);

  /// Reads the file again, with what other programs have added.
  void refresh();

  /// Makes the folders and the file where they are missing. Throws `DataError` if it cannot be written.
  void prepare();

  /// Adds a line and makes it durable. The line appears whole or not at all, also beside other writers, on this
  /// machine or on another. Throws `DataError`, after the line went to standard error instead.
  void append(const Record& record);

  /// The last run recorded of the same training.
  std::optional<Record> find(const Record& training) const;

  /// How many runs are recorded of the same training.
  std::ptrdiff_t count(const Record& training) const;

  /// All runs, in the order in which they were recorded.
  const std::vector<Record>& records() const { return records_; }

  const std::string& path() const { return path_; }
  /// A path in the results file's folder: that of "weights/a.safetensors" is "results/weights/a.safetensors".
  std::string beside(const std::string& name) const { return folder_ + "/" + name; }

 private:
  void add(Record record);

  std::string folder_, path_;
  std::vector<Record> records_;
  std::vector<std::string> identities_;  // of the records
  Index lines_read_ = 0;
};

}  // namespace slm::studies
