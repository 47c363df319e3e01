#pragma once
// Where corpora lie on this machine.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slm/data/text_file.hpp"

namespace slm::studies {

/// The folder of a corpus, if it was found, and every folder that was looked into.
struct FoundData {
  std::optional<std::string> folder;
  std::vector<std::string> searched;

  /// The folders that were looked into, for a message: "a, b, c".
  std::string searched_text() const {
    std::string text;
    for (const std::string& place : searched) text += std::string(text.empty() ? "" : ", ") + place;
    return text;
  }
};

/// The places searched when none is named, relative to the working directory.
inline std::vector<std::string> default_data_places() { return {"../shared/data", "data"}; }

/// Looks for the folder of the corpus `name`: in `explicit_folder` (a program's --data) if it is not
/// empty, and only there; else in the folder that the environment variable SLM_DATA names; else in
/// `places`. A corpus is a folder `name` with train.txt, valid.txt and test.txt; the first two places may be
/// that folder itself. Where there is none, a folder with train.txt alone is taken: who reads it is told what
/// is missing. Throws `DataError` if the explicit folder has no corpus.
inline FoundData find_data(const std::string& name, const std::string& explicit_folder,
                           const std::vector<std::string>& places = default_data_places()) {
  FoundData found;
  std::optional<std::string> in_part;
  const auto look_into = [&](const std::string& folder) {
    if (found.folder) return;
    found.searched.push_back(folder);
    if (!file_exists(folder + "/train.txt")) return;
    const bool whole = file_exists(folder + "/valid.txt") && file_exists(folder + "/test.txt");
    if (whole || !in_part) (whole ? found.folder : in_part) = folder;
  };
  if (!explicit_folder.empty()) {
    look_into(explicit_folder + "/" + name);
    look_into(explicit_folder);
  } else {
    if (const char* folder = std::getenv("SLM_DATA"); folder && *folder) {
      look_into(std::string(folder) + "/" + name);
      look_into(folder);
    }
    for (const std::string& place : places) look_into(place + "/" + name);
  }
  if (!found.folder) found.folder = in_part;
  if (!found.folder && !explicit_folder.empty()) {
    throw DataError(make_text({"find_data: the folder '", explicit_folder, "' was given, but neither ", name,
                               "/train.txt nor train.txt is in it"}));
  }
  return found;
}

}  // namespace slm::studies
