#pragma once
// Text as a row of words. A word is what stands between white space; line ends are white space, too.
#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"
#include "slm/data/edit_distance.hpp"

namespace slm {

/// What words stand between.
inline constexpr std::string_view white_space = " \t\n\v\f\r";

/// Calls f(word) for each word of the text in order, until f returns false.
template <class Function>
void for_each_word(std::string_view text, const Function& f) {
  std::size_t begin = text.find_first_not_of(white_space);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(white_space, begin), text.size());
    if (!f(text.substr(begin, end - begin))) return;
    begin = text.find_first_not_of(white_space, end);
  }
}

/// One token per word, none for an end of sentence; token i is the i-th word of the vocabulary. Where a
/// tokenizer has an `unknown` word, one of the vocabulary, that stands for all others; where it has none, they
/// are errors.
class WordTokenizer {
 public:
  /// Knows no word.
  WordTokenizer() = default;

  /// The vocabulary of a saved tokenizer: distinct words without white space, among them `unknown` unless that
  /// is empty. Throws `DataError` on others.
  explicit WordTokenizer(std::vector<std::string> vocabulary, std::string unknown = "")
      : words_(std::move(vocabulary)), unknown_(std::move(unknown)) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::string& entry = words_[i];
      std::string_view first;
      for_each_word(entry, [&](std::string_view word) {
        first = word;
        return false;
      });
      if (entry.empty() || first != entry) {
        throw_error<DataError>(
            {"WordTokenizer: vocabulary entry ", i, " must be one word, but is ", in_quotes(entry)});
      }
      if (!token_of_.emplace(entry, static_cast<Index>(i)).second) {
        throw_error<DataError>({"WordTokenizer: ", in_quotes(entry), " is twice in the vocabulary"});
      }
    }
    if (!unknown_.empty() && !token_of_.contains(unknown_)) {
      throw_error<DataError>(
          {"WordTokenizer: the word for unknown ones, ", in_quotes(unknown_), ", is not in the vocabulary"});
    }
  }

  /// The vocabulary of all words that the text has at least `smallest_count` times and of `unknown`, unless
  /// that is empty, sorted by bytes.
  static WordTokenizer from_text(std::string_view text, Index smallest_count = 1, std::string unknown = "") {
    require_config(smallest_count <= 1 || !unknown.empty(),
                   {"WordTokenizer: where words of a count below ", smallest_count,
                    " are left out, one has to stand for unknown ones"});
    WordMap counts;
    for_each_word(text, [&](std::string_view word) {
      const auto found = counts.find(word);
      if (found == counts.end()) {
        counts.emplace(word, 1);
      } else {
        ++found->second;
      }
      return true;
    });
    std::vector<std::string> vocabulary;
    for (const auto& [word, count] : counts) {
      if (count >= smallest_count && word != unknown) vocabulary.emplace_back(word);
    }
    if (!unknown.empty()) vocabulary.push_back(unknown);
    std::sort(vocabulary.begin(), vocabulary.end());
    return WordTokenizer(std::move(vocabulary), std::move(unknown));
  }

  /// The tokens of `text`, at most the first `limit`; what follows those is not looked at. Throws `DataError`
  /// on a word not in the vocabulary, with the known words most like it, where none stands for unknown ones.
  std::vector<Token> encode(std::string_view text, Index limit = std::numeric_limits<Index>::max()) const {
    std::vector<Token> tokens;
    for_each_word(text, [&](std::string_view word) {
      if (static_cast<Index>(tokens.size()) >= limit) return false;
      auto found = token_of_.find(word);
      if (found == token_of_.end() && !unknown_.empty()) found = token_of_.find(unknown_);
      if (found == token_of_.end()) throw_unknown(word, tokens.size());
      tokens.push_back(static_cast<Token>(found->second));
      return true;
    });
    return tokens;
  }

  /// The words of the tokens, joined by spaces. Throws `RangeError` on a token outside the vocabulary.
  std::string decode(std::span<const Token> tokens) const {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) text += ' ';
      text += token(tokens[i]);
    }
    return text;
  }

  Index size() const { return static_cast<Index>(words_.size()); }

  const std::string& token(Index i) const {
    if (i < 0 || i >= size()) {
      throw_error<RangeError>({"WordTokenizer: token ", i, " is outside the vocabulary of ", size()});
    }
    return words_[static_cast<std::size_t>(i)];
  }

  const std::vector<std::string>& vocabulary() const { return words_; }
  /// The word that stands for all outside the vocabulary; empty where there is none.
  const std::string& unknown() const { return unknown_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
  };
  using WordMap = std::unordered_map<std::string, Index, Hash, std::equal_to<>>;

  [[noreturn]] void throw_unknown(std::string_view word, std::size_t position) const {
    std::string all = make_text({"WordTokenizer: word ", in_quotes(word), " at position ", position,
                                 " (in words) is not one of the ", size(), " known"});
    const std::vector<std::string> nearest = nearest_words(word, words_);
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      all += make_text({i == 0 ? "; nearest: " : ", ", in_quotes(nearest[i])});
    }
    all += "; a word may stand for all others (`unknown`)";
    throw_error<DataError>(all);
  }

  std::vector<std::string> words_;
  std::string unknown_;
  WordMap token_of_;
};

}  // namespace slm
