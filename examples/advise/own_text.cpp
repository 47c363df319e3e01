#include "own_text.hpp"

#include <filesystem>
#include <utility>

#include "frontier/ngrams.hpp"
#include "slm/core/clock.hpp"
#include "slm/data/corpus.hpp"
#include "slm/data/text_file.hpp"
#include "slm/data/utf8.hpp"

namespace slm::advise {

namespace {

/// Of less no law says anything.
constexpr std::size_t fewest_tokens = 20'000;

}  // namespace

frontier::Text own_text(const std::string& path, TokenUnit unit) {
  const std::string content = read_text(path);
  const std::string name = std::filesystem::path(path).filename().string();
  // Before it is cut, since a text of some words cannot be.
  if (content.size() < fewest_tokens) {
    throw DataError(make_text({"'", path, "' has ", content.size(), " bytes; advice needs ", fewest_tokens,
                               " tokens or more, to train and to validate on"}));
  }
  if (const std::size_t at = utf8_prefix(content); unit == TokenUnit::character && at < content.size()) {
    throw DataError(make_text({"'", path, "' is not UTF-8 at byte ", at, "; --unit byte reads any file"}));
  }
  const Corpus corpus = corpus_from_text(name, content, Vocabulary{.unit = unit});
  const std::size_t tokens = corpus.train.size() + corpus.valid.size() + corpus.test.size();
  if (tokens < fewest_tokens) {
    throw DataError(make_text({"'", path, "' has ", tokens, " tokens; advice needs ", fewest_tokens,
                               " or more, to train and to validate on"}));
  }
  if (corpus.vocabulary_size() < 2) {
    throw DataError(make_text({"'", path, "' has one distinct token, which needs no model"}));
  }
  return {.name = name,
          .part = frontier::Part::score,
          .train = corpus.train,
          .scored = corpus.valid,
          .vocabulary = corpus.vocabulary_size(),
          .sha256 = corpus.checksum,
          .origin = path};
}

std::vector<Token> spread_stretches(std::span<const Token> text, std::size_t count) {
  constexpr std::size_t stretch = 500;
  const std::size_t stretches = count / stretch;
  if (stretches * stretch >= text.size()) return {text.begin(), text.end()};
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < stretches; ++i) {
    const std::size_t begin = stretches > 1 ? (text.size() - stretch) * i / (stretches - 1) : 0;
    const auto found = text.subspan(begin, stretch);
    tokens.insert(tokens.end(), found.begin(), found.end());
  }
  return tokens;
}

Counting best_counting(const frontier::Text& text) {
  Counting best;
  std::vector<double> by_order;
  for (Index order = 1; order <= frontier::highest_order; ++order) {
    const double start = detail::clock_seconds();
    const NgramLM<float> model({text.vocabulary, order - 1, Smoothing::kneser_ney}, text.train);
    const double seconds = detail::seconds_since(start), nll = frontier::score(model, text.scored);
    if (order == 1 || nll < best.nll) best = {order, nll, seconds, static_cast<Index>(model.table.ngrams())};
    by_order.push_back(nll);
  }
  best.by_order = std::move(by_order);
  return best;
}

}  // namespace slm::advise
