#include "harness/table.hpp"

#include <algorithm>
#include <numeric>

#include "harness/text.hpp"

namespace slm::studies {

namespace {

constexpr std::size_t gap = 2;  // columns between two cells

std::string line_of(const Table::Row& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string padding(widths[i] - columns(row[i]), ' ');
    line += i == 0 ? row[i] + padding : std::string(gap, ' ') + padding + row[i];
  }
  return line + "\n";
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths(header_.front().size());
  for (const auto* rows : {&header_, &rows_}) {
    for (const Row& row : *rows) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
    }
  }
  const std::size_t width =
      std::accumulate(widths.begin(), widths.end(), std::size_t(0)) + gap * (widths.size() - 1);
  std::string text;
  for (const Row& row : header_) text += line_of(row, widths);
  for (std::size_t i = 0; i < width; ++i) text += "─";
  text += "\n";
  for (const Row& row : rows_) text += line_of(row, widths);
  return text;
}

}  // namespace slm::studies
