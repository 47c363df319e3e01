#pragma once
// The texts of the frontier: what models are trained on, and what they are scored on.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/dataset.hpp"

namespace slm::frontier {

/// Rates and batches are selected on a text that no published score is of.
///   selection: trained on the training text, scored on the validation text
///   score:     Tiny Shakespeare as nanoGPT cuts it, its first nine tenths and its last one; of words, the
///              training and the test text
enum class Part { selection, score };
inline constexpr EnumName<Part> part_names[] = {{Part::selection, "selection"}, {Part::score, "score"}};
constexpr std::span<const EnumName<Part>> enum_names(Part) { return part_names; }

struct Text {
  std::string name;
  Part part{};
  std::vector<Token> train, scored;
  Index vocabulary = 0;
  std::string sha256;  // of the corpus's files
  std::string origin;  // for people: where it was found
};

inline constexpr const char* characters = "tiny_shakespeare";
inline constexpr const char* word_texts[] = {"ptb", "wikitext-2"};

/// The texts of a program, each read once.
class Texts {
 public:
  /// `data`: a folder, "synthetic", or empty to search. `quick` scores on a beginning only.
  Texts(std::string data, bool quick) : datasets_(std::move(data), /*capped=*/false), quick_(quick) {}

  /// Of `characters` or one of `word_texts`. The reference stays good.
  const Text& get(const std::string& name, Part part);

 private:
  studies::Datasets datasets_;
  bool quick_;
  std::map<std::pair<std::string, Part>, Text> texts_;
};

}  // namespace slm::frontier
