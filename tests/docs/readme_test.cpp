// What the README shows is what is built.
#include <doctest/doctest.h>

#include <string>

#include "slm/data/text_file.hpp"

TEST_CASE("the README's program is the second example") {
  const std::string top = SLM_TESTS_DIR "/../";
  const std::string readme = slm::read_text(top + "README.md"), fence = "```";
  const std::string opening = fence + "cpp\n";
  const auto begin = readme.find(opening) + opening.size();
  const std::string shown = readme.substr(begin, readme.find(fence, begin) - begin);
  const bool same = shown == slm::read_text(top + "examples/02_train_and_sample.cpp");
  CHECK(same);
}
