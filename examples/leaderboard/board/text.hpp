#pragma once
// What entries learn from, and what they are scored on.
#include <span>
#include <string>
#include <vector>

#include "harness/dataset.hpp"
#include "slm/core/names.hpp"

namespace slm::leaderboard {

/// Of Tiny Shakespeare's characters:
///   board:     as nanoGPT cuts it: its first nine tenths, and its last one
///   selection: what entries are tuned on: the study's training text, scored on its validation text, which is
///              the tenth before the last
///   paper:     the study's training text, scored on the paper's windows of its test text
/// Of words, each line ended by a token of its own, as perplexities are published:
///   ptb, wikitext_2:                      the training text, scored on the whole test text
///   ptb_selection, wikitext_2_selection:  the same, scored on the validation text
enum class Target { board, selection, paper, ptb, ptb_selection, wikitext_2, wikitext_2_selection };

inline constexpr EnumName<Target> target_names[] = {{Target::board, "board"},
                                                    {Target::selection, "selection"},
                                                    {Target::paper, "paper"},
                                                    {Target::ptb, "ptb"},
                                                    {Target::ptb_selection, "ptb-selection"},
                                                    {Target::wikitext_2, "wikitext-2"},
                                                    {Target::wikitext_2_selection, "wikitext-2-selection"}};
constexpr std::span<const EnumName<Target>> enum_names(Target) { return target_names; }

struct Text {
  Target target{};
  std::vector<Token> train, scored;
  Index first_scored = 1;    // the place of the first token that is scored
  Index longest_window = 0;  // what a prediction may see; 0: all before it
  Index vocabulary = 0;
  std::string sha256;  // of the corpus's files
  std::string origin;  // for people: where it was found
  bool is_embedded = false;
};

/// `data`: a folder, "synthetic" for the embedded corpus, or empty to search. `quick` scores on a beginning
/// only. Throws a `DataError` where the data are not found, as a score of another text would stand beside the
/// others.
Text read_text(const std::string& data, Target target, bool quick);

}  // namespace slm::leaderboard
