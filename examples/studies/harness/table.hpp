#pragma once
// Text in columns.
#include <string>
#include <vector>

namespace slm::studies {

/// A table whose first column is flush left and all others are flush right.
class Table {
 public:
  using Row = std::vector<std::string>;

  /// A header may have several rows, which are above a line. All rows have as many cells as the first.
  explicit Table(std::vector<Row> header) : header_(std::move(header)) {}

  void add(Row row) { rows_.push_back(std::move(row)); }

  /// All lines, each ended by a newline.
  std::string text() const;

 private:
  std::vector<Row> header_, rows_;
};

}  // namespace slm::studies
