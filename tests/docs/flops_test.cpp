// What docs/flops.md says of the operations.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "operations/table.hpp"
#include "slm/data/text_file.hpp"

namespace {

/// The names that the rows of the table of formulas begin with; what stands for what may follow a name.
std::set<std::string> operations_with_formulas() {
  const std::string page = slm::read_text(SLM_TESTS_DIR "/../docs/flops.md");
  const auto begin = page.find("| operation | forward | backward |");
  REQUIRE(begin != std::string::npos);
  const std::string table = page.substr(begin, page.find("\n\n", begin) - begin), line = "\n| ";
  std::set<std::string> names;
  for (auto at = table.find(line); at != std::string::npos; at = table.find(line, at + 1)) {
    const auto name = at + line.size();
    names.insert(table.substr(name, table.find_first_of(" ,", name) - name));
  }
  return names;
}

}  // namespace

TEST_CASE("every operation has its formulas in docs/flops.md") {
  const auto names = operations_with_formulas();
  for (const auto& entry : slm::operation_table<float>()) CHECK_MESSAGE(names.contains(entry.name), entry.name);
}
