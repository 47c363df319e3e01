#pragma once
// A user's text, as the study of the frontier has its texts.
#include <span>
#include <string>
#include <vector>

#include "frontier/corpora.hpp"
#include "slm/data/tokenizer.hpp"

namespace slm::advise {

/// Trained on the training split of a file, scored on the validation split; its test split is left alone.
/// Throws `DataError` where it cannot be read, or is too small for a prediction.
frontier::Text own_text(const std::string& path, TokenUnit unit);

/// So many tokens of a text, at least half a thousand, in stretches of as many that are spread evenly over it:
/// its beginning alone may be easier or harder than the whole.
std::vector<Token> spread_stretches(std::span<const Token> text, std::size_t count);

/// What counting gets there.
struct Counting {
  Index order = 0;
  double nll = 0;
  double seconds = 0;
  Index ngrams = 0;
  std::vector<double> by_order = {};  // nats per token, from order 1
};
/// The best of all n-gram models of the frontier's orders, with Kneser and Ney's smoothing.
Counting best_counting(const frontier::Text& text);

}  // namespace slm::advise
