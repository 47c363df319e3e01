#pragma once
// n-gram models: how often what followed what, smoothed. They have nothing to train, and tell what there is to
// gain by training.
//
//   const NgramLM<float> model({.vocabulary = corpus.vocabulary_size(), .context = 4}, corpus.train);
//   evaluate(model, windows);  generate(model, prompt, …);  save_model(model, corpus.tokenizer, path);
#include "slm/autograd/ops/check.hpp"
#include "slm/core/math.hpp"
#include "slm/core/names.hpp"
#include "slm/core/random.hpp"
#include "slm/models/ngram_table.hpp"

namespace slm {

/// How a context's probabilities are mixed with those of the context that is shorter by a token.
enum class Smoothing {
  kneser_ney,  // modified, interpolated                         Chen and Goodman 1999, section 3
  witten_bell  // method C                                       Witten and Bell 1991; Bell, Cleary and Witten
               // 1990
};

inline constexpr EnumName<Smoothing> smoothing_names[] = {{Smoothing::kneser_ney, "kneser_ney"},
                                                          {Smoothing::witten_bell, "witten_bell"}};
constexpr std::span<const EnumName<Smoothing>> enum_names(Smoothing) { return smoothing_names; }

template <Scalar Real>
struct NgramLM;

/// How an `NgramLM` counts and smooths.
struct NgramConfig {
  template <Scalar Real>
  using Model = NgramLM<Real>;

  Index vocabulary;
  Index context;  // tokens that a prediction sees, up to 255: n − 1 for a model of n-grams
  Smoothing smoothing = Smoothing::kneser_ney;

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("smoothing", self.smoothing);
  }
};

namespace detail {

/// What the followers of a context get of its probability, and what is left to the shorter context:
/// (count − discount[min(count, 3)]) / total, and `rest`.
struct Shares {
  std::array<double, 4> discount = {};
  double total = 0, rest = 0;

  double of(NgramTable::Count count) const {
    return (count - discount[static_cast<std::size_t>(std::min(count, 3))]) / total;
  }
};

/// With T occurrences of N different followers, each gets count / (T + N).
inline Shares witten_bell(std::span<const NgramTable::Count> counts) {
  Shares shares;
  for (const auto count : counts) shares.total += count;
  const auto types = static_cast<double>(counts.size());
  shares.total += types;
  shares.rest = types / shares.total;
  return shares;
}

/// D₁, D₂ and D₃₊ of all contexts of one length, from n₁ … n₄, how many followers have the counts 1 … 4:
/// Dᵢ = i − (i + 1) Y nᵢ₊₁ / nᵢ with Y = n₁ / (n₁ + 2 n₂).  Where one of the four is 0, as in small
/// vocabularies, or a discount would not be positive, ½, 1 and 1½.
inline std::array<double, 4> discounts(const std::array<Index, 4>& counts_of_counts) {
  std::array<double, 4> n, discount = {};
  std::copy(counts_of_counts.begin(), counts_of_counts.end(), n.begin());
  const double Y = n[0] / (n[0] + 2 * n[1]);
  for (std::size_t i = 1; i <= 3; ++i) {
    const auto count = static_cast<double>(i);
    if (n[i - 1] > 0 && n[i] > 0) discount[i] = count - (count + 1) * Y * n[i] / n[i - 1];
    if (!(discount[i] > 0)) return {0, 0.5, 1, 1.5};
  }
  return discount;
}

inline Shares kneser_ney(std::span<const NgramTable::Count> counts, const std::array<Index, 4>& of_counts) {
  Shares shares{.discount = discounts(of_counts)};
  double taken = 0;
  for (const auto count : counts) {
    shares.total += count;
    taken += shares.discount[static_cast<std::size_t>(std::min(count, 3))];
  }
  shares.rest = taken / shares.total;
  return shares;
}

}  // namespace detail

/// Predicts a token from how often it followed the same tokens in a text:
///   p(w | context) = (count(w) − D) / total + rest · p(w | context less its first token)
/// down to the empty context, which is mixed with 1/V: every token has a probability, and they add up to one.
/// Where a context was never seen, the longest one that was stands for it; before anything was counted all
/// tokens are as likely. Kneser and Ney count for shorter contexts not how often a token follows, but in how
/// many of the longer contexts; the beginning of the text is one of them. At the beginning of a window the
/// contexts are as short as what stands there: a window may begin anywhere in a text.
///
/// Logits are log probabilities. They are given to the tape rather than computed on it: they want no gradient,
/// and looking them up is not counted as a cost, since how much there is to do depends on the counts.
template <Scalar Real>
struct NgramLM {
  static constexpr const char* name = "NgramLM";
  static constexpr bool sees_last_tokens = true;  // the last `context` ones of a window of any length
  NgramConfig config;
  NgramTable table;

  /// Of a text's counts. Throws a `RangeError` on a token outside of the vocabulary.
  NgramLM(const NgramConfig& setting, std::span<const Token> text) : NgramLM(setting) { table.count(text); }
  /// Before anything was counted, and made as other models are: nothing is drawn.
  explicit NgramLM(const NgramConfig& setting, RandomArgument = Random())
      : config(checked(setting)), table(config.vocabulary, config.context, short_contexts(config.smoothing)) {}

  /// Log probabilities of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const Index B = tokens.extent(0), T = tokens.extent(1);
    return given(tape, tokens, T, Shape<3>{B, T, table.vocabulary()});
  }

  /// Log probabilities of the token that follows the window, of any length: tokens (B, T) → (B, V).
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    return given(tape, tokens, 1, Shape<2>{tokens.extent(0), table.vocabulary()});
  }

  /// p(token | the last `context` tokens of a text), of which the logits are the logarithms: in double, and
  /// without those of all other tokens.
  double probability(Token token, std::span<const Token> text) const {
    require_made();
    const Index V = table.vocabulary();
    const auto seen = text.last(std::min(text.size(), static_cast<std::size_t>(table.context())));
    detail::require_tokens(name, seen.data(), static_cast<Index>(seen.size()), V);
    detail::require_tokens(name, &token, 1, V);
    double sum = 0, left = 1;  // what longer contexts leave to shorter ones
    table.for_each_context(seen, [&](Index length, const NgramTable::Followers& next) {
      const detail::Shares share = shares(length, next.counts);
      const auto found = std::lower_bound(next.tokens.begin(), next.tokens.end(), token);
      if (found != next.tokens.end() && *found == token) {
        sum += left * share.of(next.counts[static_cast<std::size_t>(found - next.tokens.begin())]);
      }
      left *= share.rest;
    });
    return sum + left / static_cast<double>(V);
  }

  static void fields(auto& self, auto&& f) { f("table", self.table); }

  static const NgramConfig& checked(const NgramConfig& config) {
    require_config(config.vocabulary > 0 && config.context >= 0 && config.context <= NgramTable::most_context,
                   {"NgramLM: vocabulary ", config.vocabulary, " must be positive and context ", config.context,
                    " from 0 to ", NgramTable::most_context});
    return config;
  }

 private:
  static ShortContexts short_contexts(Smoothing smoothing) {
    switch (smoothing) {
      case Smoothing::kneser_ney:
        return ShortContexts::neighbours;
      case Smoothing::witten_bell:
        return ShortContexts::occurrences;
    }
    throw_error<ConfigError>("NgramLM: the smoothing is none that there is");
  }

  void require_made() const {
    if (!table.is_made()) throw_error<Error>("NgramLM: the model was moved from");
  }

  detail::Shares shares(Index length, std::span<const NgramTable::Count> counts) const {
    switch (config.smoothing) {
      case Smoothing::kneser_ney:
        return detail::kneser_ney(counts, table.counts_of_counts(length));
      case Smoothing::witten_bell:
        break;
    }
    return detail::witten_bell(counts);
  }

  /// What follows each of the last `positions` positions of every window.
  template <std::size_t Rank>
  Var<Real, Rank> given(Tape<Real>& tape, const Tokens<2>& tokens, Index positions,
                        const Shape<Rank>& shape) const {
    require_made();
    const Index V = table.vocabulary(), T = tokens.extent(1), size = element_count(shape);
    const Token* texts = detail::keep_tokens(tape, name, tokens, V);
    Real* logits = nullptr;
    if constexpr (has_values<Real>) {
      logits = tape.recorder().arena().template take<Real>(size);
      parallel_for(size / V, [&](Index row) {
        const Index window = row / positions, seen = T - positions + row % positions + 1;
        set_log_probabilities({texts + window * T, static_cast<std::size_t>(seen)}, logits + row * V);
      });
    }
    return tape.variable(tape.recorder().given(logits, nullptr, size, false), shape);
  }

  void set_log_probabilities(std::span<const Token> text, Real* row) const {
    const Index V = table.vocabulary();
    std::fill_n(row, V, Real(0));
    double left = 1;  // what longer contexts leave to shorter ones
    table.for_each_context(text, [&](Index length, const NgramTable::Followers& next) {
      const detail::Shares share = shares(length, next.counts);
      for (std::size_t i = 0; i < next.tokens.size(); ++i) {
        row[next.tokens[i]] += Real(left * share.of(next.counts[i]));
      }
      left *= share.rest;
    });
    const Real each = Real(left / static_cast<double>(V));
    for (Index v = 0; v < V; ++v) row[v] = math::log(row[v] + each);
  }
};

}  // namespace slm
