#include "frontier/corpora.hpp"

namespace slm::frontier {

namespace {

/// Tokens scored with --quick.
constexpr std::size_t quick_tokens = 4000;

void append(std::vector<Token>& text, const std::vector<Token>& more) {
  text.insert(text.end(), more.begin(), more.end());
}

/// The text that the three files were cut from. Those of Tiny Shakespeare lack the newline at each seam.
std::vector<Token> whole_text(const Corpus& corpus) {
  const bool has_seams = corpus.name == characters;
  const std::vector<Token> seam = has_seams ? corpus.tokenizer.encode("\n") : std::vector<Token>();
  std::vector<Token> text = corpus.train;
  append(text, seam);
  append(text, corpus.valid);
  append(text, seam);
  append(text, corpus.test);
  return text;
}

Text make_text_of(const studies::Dataset& dataset, bool of_characters, Part part) {
  const Corpus& corpus = dataset.corpus;
  Text text{.name = corpus.name,
            .part = part,
            .train = corpus.train,
            .scored = part == Part::selection ? corpus.valid : corpus.test,
            .vocabulary = corpus.vocabulary_size(),
            .sha256 = corpus.checksum,
            .origin = dataset.origin};
  if (part == Part::score && of_characters) {
    const std::vector<Token> whole = whole_text(corpus);
    const auto cut = whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * 9 / 10);
    text.train.assign(whole.begin(), cut);
    text.scored.assign(cut, whole.end());
  }
  return text;
}

}  // namespace

const Text& Texts::get(const std::string& name, Part part) {
  const auto known = texts_.find({name, part});
  if (known != texts_.end()) return known->second;
  Text text = make_text_of(datasets_.get(name), name == characters, part);
  if (quick_ && text.scored.size() > quick_tokens) text.scored.resize(quick_tokens);
  return texts_.emplace(std::pair(name, part), std::move(text)).first->second;
}

}  // namespace slm::frontier
