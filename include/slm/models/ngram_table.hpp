#pragma once
// How often each token follows each context of a text, for contexts of every length up to a longest one: what
// n-gram models are made of.
#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"

namespace slm {

/// How contexts shorter than the longest count a token that follows.
enum class ShortContexts {
  occurrences,  // how often it follows
  neighbours    // how many different tokens stand before context and token           Kneser and Ney 1995
};

/// The counts of one text. In front of its first tokens stands `before_text`, which is a neighbour as a token
/// is and otherwise none: no context has it.
///
/// What a file holds is `ngrams` (M, context + 1), the distinct n-grams in the text's order, and `counts` (M),
/// how often each occurs; n-grams that begin before the text have −1 for what is not there. They are sorted by
/// the token before the last, then by the one before that and so on, at the end by the last. All else follows
/// from them: the contexts are a tree that grows backwards, from the token just before on, and each has a
/// sorted list of its followers. A distinct n-gram of the longest length takes 4 (context + 1) + 4 bytes, one
/// of any length about 8 as a follower, and a context 12.
///
/// A template, so that who makes none does not compile it.
template <std::same_as<std::int32_t> CountType>
class BasicNgramTable {
 public:
  using Count = CountType;
  static constexpr Token before_text = -1;
  static constexpr Index most_context = 255;
  static constexpr Index most_tokens = std::numeric_limits<Count>::max();

  /// Of no text yet.
  BasicNgramTable(Index vocabulary, Index context, ShortContexts short_contexts)
      : vocabulary_(vocabulary),
        context_(context),
        short_contexts_(short_contexts),
        ngrams_({0, context + 1}),
        counts_({0}) {
    require_config(vocabulary > 0 && context >= 0 && context <= most_context,
                   {"NgramTable: needs a vocabulary and a context of 0 to ", most_context, " tokens, got ",
                    vocabulary, " and ", context});
  }

  /// Counts a text in place of what was counted before, in linear time but for sorting followers.
  void count(std::span<const Token> text) {
    const auto size = static_cast<Index>(text.size());
    if (size < 1 || size > most_tokens) {
      throw_error<DataError>({"NgramTable: counts a text of 1 to ", most_tokens, " tokens, got ", size});
    }
    for (Index i = 0; i < size; ++i) require_in_vocabulary(text[static_cast<std::size_t>(i)], i);
    const std::vector<Place> order = sorted_places(text);
    const auto same = [&](Place a, Place b) {
      for (Index distance = 0; distance <= context_; ++distance) {
        if (token_at(text, a, distance) != token_at(text, b, distance)) return false;
      }
      return true;
    };
    std::vector<std::size_t> first;  // in the order, of each distinct n-gram
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || !same(order[i - 1], order[i])) first.push_back(i);
    }
    const auto distinct = static_cast<Index>(first.size());
    first.push_back(order.size());
    ngrams_ = Tensor<Token, 2>({distinct, context_ + 1});
    counts_ = Tensor<Count, 1>({distinct});
    for (Index n = 0; n < distinct; ++n) {
      const auto i = static_cast<std::size_t>(n);
      for (Index k = 0; k <= context_; ++k) ngrams_(n, k) = token_at(text, order[first[i]], context_ - k);
      counts_(n) = static_cast<Count>(first[i + 1] - first[i]);
    }
    build();
  }

  /// Whether it was made and not moved from since.
  bool is_made() const { return ngrams_.has_memory(); }
  Index vocabulary() const { return vocabulary_; }
  Index context() const { return context_; }
  /// Distinct n-grams of the longest length, those that begin before the text with them.
  Index ngrams() const { return ngrams_.extent(0); }

  /// The tokens that follow a context, ascending, and their counts.
  struct Followers {
    std::span<const Token> tokens;
    std::span<const Count> counts;
  };

  /// Calls visit(length, followers) for the contexts that end `text` and were seen: the longest first, last the
  /// empty one. Tokens must be of the vocabulary.
  template <class Visit>
  void for_each_context(std::span<const Token> text, const Visit& visit) const {
    if (levels_.empty() || levels_[0].tokens.empty()) return;
    std::array<Place, most_context + 1> path;
    path[0] = 0;
    std::size_t length = 0;
    for (; length < std::min(text.size(), levels_.size() - 1); ++length) {
      const Level &level = levels_[length], &longer = levels_[length + 1];
      const auto at = [&](Place child) { return longer.tokens.begin() + static_cast<std::ptrdiff_t>(child); };
      const auto end = at(level.first_child[path[length] + 1]);
      const Token token = text[text.size() - 1 - length];
      const auto found = std::lower_bound(at(level.first_child[path[length]]), end, token);
      if (found == end || *found != token) break;
      path[length + 1] = static_cast<Place>(found - longer.tokens.begin());
    }
    for (;; --length) {
      visit(static_cast<Index>(length), levels_[length].followers_of(path[length]));
      if (length == 0) return;
    }
  }

  /// How many followers of all contexts of this length have the counts 1, 2, 3 and 4.
  const std::array<Index, 4>& counts_of_counts(Index length) const {
    return levels_[static_cast<std::size_t>(length)].counts_of_counts;
  }

  // What files hold, see `HasStoredTensors`.

  static void tensors(auto& self, auto&& f) { f("ngrams", self.ngrams_), f("counts", self.counts_); }
  void restore() {
    check();
    build();
  }

 private:
  using Place = std::uint32_t;  // in a text or a list, of which none has 2^31 entries

  /// The contexts of one length: by the one that is shorter by their first token, and then by that token.
  struct Level {
    std::vector<Token> tokens;          // the first of each context; of the empty one, `before_text`
    std::vector<Place> first_child;     // in the next level, and behind the last context where all end
    std::vector<Place> first_follower;  // likewise
    std::vector<Token> followers;
    std::vector<Count> counts;
    std::array<Index, 4> counts_of_counts = {};

    Followers followers_of(std::size_t context) const {
      const std::size_t begin = first_follower[context], size = first_follower[context + 1] - begin;
      return {std::span(followers).subspan(begin, size), std::span(counts).subspan(begin, size)};
    }
  };

  static Token token_at(std::span<const Token> text, Place place, Index distance) {
    return place < distance ? before_text : text[place - static_cast<std::size_t>(distance)];
  }

  void require_in_vocabulary(Token token, Index i) const {
    if (token >= 0 && token < vocabulary_) return;
    throw_error<RangeError>(
        {"NgramTable: token ", token, " at index ", i, " is outside the vocabulary 0 … ", vocabulary_ - 1});
  }

  /// The places of a text in the order of the n-grams that end there: a stable sort by each token, the one that
  /// matters most at the end.
  std::vector<Place> sorted_places(std::span<const Token> text) const {
    std::vector<Place> order(text.size()), sorted(text.size());
    std::iota(order.begin(), order.end(), Place(0));
    std::vector<Place> next(static_cast<std::size_t>(vocabulary_) + 2);  // place of the next one with a token
    const auto sort_by = [&](Index distance) {
      const auto bucket = [&](Place place) {
        return static_cast<std::size_t>(token_at(text, place, distance) - before_text);
      };
      std::fill(next.begin(), next.end(), Place(0));
      for (const Place place : order) ++next[bucket(place) + 1];
      std::partial_sum(next.begin(), next.end(), next.begin());
      for (const Place place : order) sorted[next[bucket(place)]++] = place;
      std::swap(order, sorted);
    };
    sort_by(0);
    for (Index distance = context_; distance > 0; --distance) sort_by(distance);
    return order;
  }

  /// Tokens just before the last that two n-grams have in common.
  Index common_context(const Token* a, const Token* b) const {
    Index length = 0;
    while (length < context_ && a[context_ - 1 - length] == b[context_ - 1 - length]) ++length;
    return length;
  }

  /// Throws a `DataError` where the n-grams and counts are not what `count` makes of some text or texts.
  void check() const {
    if (ngrams_.extent(1) != context_ + 1 || counts_.extent(0) != ngrams()) {
      throw_error<DataError>({"expected n-grams of shape (M, ", context_ + 1, ") and counts (M), got ",
                              ngrams_.shape(), " and ", counts_.shape()});
    }
    Index total = 0;
    for (Index n = 0; n < ngrams(); ++n) {
      const Token* ngram = ngrams_.data() + n * (context_ + 1);
      const Token* begin = std::find_if(ngram, ngram + context_, [](Token t) { return t != before_text; });
      const bool known = std::all_of(begin, ngram + context_ + 1,
                                     [&](Token token) { return token >= 0 && token < vocabulary_; });
      if (!known) {
        throw_error<DataError>({"expected tokens 0 … ", vocabulary_ - 1,
                                " behind what is before the text, got others in n-gram ", n});
      }
      if (n > 0) {
        const Token* before = ngram - context_ - 1;
        const Index length = common_context(before, ngram);
        const Index at = length == context_ ? context_ : context_ - 1 - length;
        if (before[at] >= ngram[at]) throw_error<DataError>({"n-gram ", n, " is not in order"});
      }
      if (counts_(n) < 1) throw_error<DataError>({"expected positive counts, got ", counts_(n)});
      total += counts_(n);
      if (total > most_tokens) {
        throw_error<DataError>({"expected counts of at most ", most_tokens, " in all, got more"});
      }
    }
  }

  /// Makes the tree of contexts, the longest ones' followers and from those the others'.
  void build() {
    const auto longest = static_cast<std::size_t>(context_);
    levels_.assign(longest + 1, {});
    Level& last = levels_[longest];
    for (Index n = 0; n < ngrams(); ++n) {
      const Token* ngram = ngrams_.data() + n * (context_ + 1);
      const Index first_new = n == 0 ? 0 : common_context(ngram - context_ - 1, ngram) + 1;
      for (Index length = first_new; length <= context_; ++length) {
        Level& level = levels_[static_cast<std::size_t>(length)];
        level.tokens.push_back(length == 0 ? before_text : ngram[context_ - length]);
        if (length < context_) {
          level.first_child.push_back(
              static_cast<Place>(levels_[static_cast<std::size_t>(length) + 1].tokens.size()));
        } else {
          level.first_follower.push_back(static_cast<Place>(n));
        }
      }
      last.followers.push_back(ngram[context_]);
      last.counts.push_back(counts_(n));
    }
    last.first_follower.push_back(static_cast<Place>(ngrams()));
    for (std::size_t length = longest; length-- > 0;) {
      Level& level = levels_[length];
      level.first_child.push_back(static_cast<Place>(levels_[length + 1].tokens.size()));
      add_followers(level, levels_[length + 1]);
    }
    for (std::size_t length = 0; length <= longest; ++length) finish(levels_[length], length == 0);
  }

  /// Of each context, the followers of all contexts that are longer by a token.
  void add_followers(Level& level, const Level& longer) const {
    std::vector<std::pair<Token, Count>> list;
    for (std::size_t context = 0; context < level.tokens.size(); ++context) {
      const Place child = level.first_child[context], end = level.first_child[context + 1];
      list.clear();
      for (std::size_t i = longer.first_follower[child]; i < longer.first_follower[end]; ++i) {
        list.emplace_back(longer.followers[i],
                          short_contexts_ == ShortContexts::neighbours ? 1 : longer.counts[i]);
      }
      if (end - child > 1) std::sort(list.begin(), list.end());
      level.first_follower.push_back(static_cast<Place>(level.followers.size()));
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (i > 0 && list[i].first == list[i - 1].first) {
          level.counts.back() += list[i].second;
        } else {
          level.followers.push_back(list[i].first);
          level.counts.push_back(list[i].second);
        }
      }
    }
    level.first_follower.push_back(static_cast<Place>(level.followers.size()));
  }

  /// What begins before the text is no n-gram of it, and counts for shorter ones only.
  static void finish(Level& level, bool is_empty_context) {
    for (std::size_t context = 0; context < level.tokens.size(); ++context) {
      if (!is_empty_context && level.tokens[context] == before_text) continue;
      for (const Count count : level.followers_of(context).counts) {
        if (count <= 4) ++level.counts_of_counts[static_cast<std::size_t>(count - 1)];
      }
    }
    level.tokens.shrink_to_fit(), level.first_child.shrink_to_fit(), level.first_follower.shrink_to_fit();
    level.followers.shrink_to_fit(), level.counts.shrink_to_fit();
  }

  Index vocabulary_, context_;
  ShortContexts short_contexts_;
  Tensor<Token, 2> ngrams_;
  Tensor<Count, 1> counts_;
  std::vector<Level> levels_;  // by the length of their contexts; none before anything was counted
};

/// The counts of texts of up to 2^31 tokens.
using NgramTable = BasicNgramTable<std::int32_t>;

}  // namespace slm
