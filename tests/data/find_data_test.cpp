#include "../examples/studies/harness/find_data.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "data_test_support.hpp"

using namespace slm;
using namespace slm::studies;
using data_test::DataVariable;
using data_test::has;
using data_test::message_of;
using data_test::TemporaryFolder;

TEST_CASE("find_data looks into the explicit folder, SLM_DATA and the places, in this order") {
  const TemporaryFolder folder;
  const std::string explicit_folder = folder.path() + "/explicit", variable = folder.path() + "/variable",
                    first = folder.path() + "/first", second = folder.path() + "/second";
  const std::vector<std::string> places = {first, second};
  const DataVariable environment(variable);

  const FoundData none = find_data("tiny", "", places);
  CHECK_FALSE(none.folder);
  CHECK(none.searched ==
        std::vector<std::string>{variable + "/tiny", variable, first + "/tiny", second + "/tiny"});
  CHECK(none.searched_text() == variable + "/tiny, " + variable + ", " + first + "/tiny, " + second + "/tiny");

  folder.put("second/tiny/train.txt", "text");
  CHECK(find_data("tiny", "", places).folder == second + "/tiny");
  folder.put("first/tiny/train.txt", "text");
  CHECK(find_data("tiny", "", places).folder == first + "/tiny");
  folder.put("variable/tiny/train.txt", "text");
  CHECK(find_data("tiny", "", places).folder == variable + "/tiny");
  folder.put("explicit/tiny/train.txt", "text");
  CHECK(find_data("tiny", explicit_folder, places).folder == explicit_folder + "/tiny");
}

TEST_CASE("find_data prefers a whole corpus to what is there in part") {
  const TemporaryFolder folder;
  const DataVariable unset("");
  const std::vector<std::string> places = {folder / "first", folder / "second"};
  folder.put("first/tiny/train.txt", "text");
  folder.put("second/tiny/train.txt", "text");
  folder.put("second/tiny/valid.txt", "text");
  CHECK(find_data("tiny", "", places).folder == folder / "first/tiny");
  folder.put("second/tiny/test.txt", "text");
  CHECK(find_data("tiny", "", places).folder == folder / "second/tiny");
}

TEST_CASE("find_data takes --data and SLM_DATA as the corpus folder itself, too") {
  const TemporaryFolder folder;
  folder.put("train.txt", "text");
  const DataVariable environment(folder.path());
  CHECK(find_data("tiny", "", {}).folder == folder.path());
  const DataVariable unset("");
  CHECK_FALSE(find_data("tiny", "", {}).folder);
  CHECK(find_data("tiny", folder.path(), {}).folder == folder.path());
}

TEST_CASE("find_data does not go on from an explicit folder without the corpus") {
  const TemporaryFolder folder;
  folder.put("place/tiny/train.txt", "text");
  folder.put("explicit/other/train.txt", "text");
  const std::string explicit_folder = folder.path() + "/explicit";
  const std::string message =
      message_of<DataError>([&] { find_data("tiny", explicit_folder, {folder.path() + "/place"}); });
  CHECK(has(message, explicit_folder));
  CHECK(has(message, "tiny/train.txt"));
}

TEST_CASE("the default places are relative to the working directory") {
  CHECK(default_data_places() == std::vector<std::string>{"../shared/data", "data"});
}
