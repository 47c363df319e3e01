#include "board/words.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "harness/find_data.hpp"
#include "slm/data/text_file.hpp"
#include "slm/data/word_tokenizer.hpp"

namespace slm::leaderboard {

namespace {

/// Each line, an empty one, too, with a word behind it.
std::string with_ends(const std::string& text) {
  std::string ended;
  for (const char c : text) {
    if (c == '\n') ended += " <eos>";
    ended += c;
  }
  return ended;
}

/// Numbers tokens by how many of the training text they are, of equally many the one that was first before.
void number_by_frequency(Text& text) {
  const auto size = static_cast<std::size_t>(text.vocabulary);
  std::vector<Index> count(size, 0);
  for (const Token token : text.train) ++count[static_cast<std::size_t>(token)];
  std::vector<std::size_t> sorted(size);
  std::iota(sorted.begin(), sorted.end(), 0);
  std::ranges::stable_sort(sorted, std::greater(), [&](std::size_t token) { return count[token]; });
  std::vector<Token> number(size);
  for (std::size_t place = 0; place < size; ++place) number[sorted[place]] = static_cast<Token>(place);
  for (std::vector<Token>* tokens : {&text.train, &text.scored}) {
    for (Token& token : *tokens) token = number[static_cast<std::size_t>(token)];
  }
}

}  // namespace

Text read_words(const std::string& data, const std::string& corpus, bool selection) {
  studies::Datasets datasets(data, /*capped=*/false);
  const studies::Dataset& dataset = datasets.get(corpus);  // which knows the checksums
  Text text{.train = dataset.corpus.train,
            .scored = selection ? dataset.corpus.valid : dataset.corpus.test,
            .vocabulary = dataset.corpus.vocabulary_size(),
            .sha256 = dataset.corpus.checksum,
            .origin = dataset.origin,
            .is_embedded = dataset.corpus.name != corpus};
  if (text.is_embedded) return text;
  const std::string folder = *studies::find_data(corpus, data).folder;
  const auto read = [&](const char* file) { return with_ends(slm::read_text(folder + file)); };
  const std::string train = read("/train.txt");
  const auto tokenizer = WordTokenizer::from_text(train);
  text.train = tokenizer.encode(train);
  text.scored = tokenizer.encode(read(selection ? "/valid.txt" : "/test.txt"));
  text.vocabulary = tokenizer.size();
  number_by_frequency(text);
  return text;
}

}  // namespace slm::leaderboard
