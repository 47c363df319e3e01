#pragma once
// Texts of words with the ends of their lines.
#include <string>

#include "board/text.hpp"

namespace slm::leaderboard {

/// The training text of the corpus "ptb" or "wikitext-2", and its test text, or the validation text for
/// selections; words are numbered from the most frequent one of the training text on. Where the corpus is not
/// found or not wanted, the embedded one, whose lines have no ends.
Text read_words(const std::string& data, const std::string& corpus, bool selection);

}  // namespace slm::leaderboard
