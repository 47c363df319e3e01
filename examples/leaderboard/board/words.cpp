#include "board/words.hpp"

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
  return text;
}

}  // namespace slm::leaderboard
