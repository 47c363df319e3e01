#pragma once
// How well a model predicts a whole text: every token but the first, each once.
#include <algorithm>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include "slm/core/libm.hpp"
#include "slm/data/tokenizer.hpp"
#include "slm/train/loss.hpp"

namespace slm {

/// The windows in which a model reads a text. Where both are left to a model that sees the last tokens of a
/// window of any length (`static constexpr bool sees_last_tokens = true`, as `NgramLM`), windows overlap so
/// that every token is predicted from a whole context, or from all that the text has before it.
struct TextWindows {
  Index context = 0;  // tokens that a window holds; 0: the model's context
  Index stride = 0;   // tokens from one window to the next, 1 to context; 0: as few windows as there can be
  // Windows computed at once; 0: as many as predict about a thousand tokens, or have 64 MB of logits.
  Index batch = 0;
  Token padding = 0;  // stands in front of the text where a model takes full windows only
};

/// What an evaluation of a text found.
struct TextEvaluation {
  double nats_per_token = 0;  // mean of −log p(token | those before it in its window)
  double perplexity = 0;      // e to the power of that
  double bits_per_byte = 0;  // all bits over all bytes, which other tokens leave comparable; 0: bytes not known
  Index tokens = 0;          // that were predicted: all but the first
  Index bytes = 0;           // that they stand for; 0: not known, as where a word is `unknown` to the tokenizer
};

namespace detail {

/// −log p of each target, by rows of logits (targets, vocabulary); `log_sums` is memory for it.
template <Scalar Real>
void losses_of_rows(const Real* logits, const std::vector<Token>& targets, Index vocabulary,
                    std::vector<Real>& losses, std::vector<Real>& log_sums) {
  losses.resize(targets.size()), log_sums.resize(targets.size());
  kernels::cross_entropy_forward(logits, targets.data(), losses.data(), log_sums.data(),
                                 {std::ssize(targets), vocabulary});
}

/// Σ −log p of all tokens of a text but the first, in the text's order.
template <Scalar Real, class Model>
double text_nats(const Model& model, std::span<const Token> text, const TextWindows& config) {
  static_assert(PredictsEach<Model, Real> || PredictsNext<Model, Real>,
                "evaluate: the model must predict what follows a window, or every position of it");
  constexpr bool each = PredictsEach<Model, Real>;
  const auto size = static_cast<Index>(text.size());
  if (size < 2) throw_error<DataError>({"evaluate: expected a text of 2 tokens or more, got ", size});
  Index context = config.context, given_stride = config.stride;
  if constexpr (requires { requires Model::sees_last_tokens; }) {
    constexpr Index most = 256;  // predicted by a window
    if (context == 0 && given_stride == 0) context = model.config.context + most, given_stride = most;
  }
  if constexpr (requires { model.config.context; }) {
    if (context == 0) context = model.config.context;
  } else {
    require_config(context != 0, {"evaluate: the model has no config.context: name one, {.context = 64}"});
  }
  require_config(context >= 1, {"evaluate: expected a context of at least 1 token, got ", context});
  const Index longest = each ? context : 1, stride = given_stride == 0 ? longest : given_stride;
  require_config(stride >= 1 && stride <= longest, {"evaluate: expected a stride of 1 to ", longest,
                                                    ", the tokens that a window predicts, got ", stride});

  // A window predicts the `predicted` tokens up to `end`; the last one ends with the text.
  const Index T = each ? std::min(context, size - 1) : context, predicted = each ? T : 1;
  const auto end = [&](Index window) { return std::min(predicted + window * stride, size - 1); };
  const Index windows = (size - 1 - predicted + stride - 1) / stride + 1;
  require_config(config.batch >= 0, {"evaluate: the batch must not be negative, got ", config.batch});
  Index tokens_at_once = 1024;
  if constexpr (requires { model.config.vocabulary; }) {
    constexpr Index most_logits = Index(1) << 24;
    tokens_at_once = std::min(tokens_at_once, most_logits / std::max<Index>(1, model.config.vocabulary));
  }
  const Index at_once = config.batch > 0 ? config.batch : std::max<Index>(1, tokens_at_once / predicted);

  Tape<Real> tape(Mode::evaluate);
  tape.fix_weights();
  std::vector<Token> targets;
  std::vector<Real> losses, log_sums;
  double nats = 0;
  Index counted = 0;  // the last token that was counted
  for (Index first = 0; first < windows; first += at_once) {
    const Index rows = std::min(at_once, windows - first);
    Tokens<2> inputs({rows, T});
    targets.clear();
    for (Index row = 0; row < rows; ++row) {
      const Index last = end(first + row);
      for (Index t = 0; t < T; ++t) {
        const Index place = last - T + t;
        inputs(row, t) = place < 0 ? config.padding : text[static_cast<std::size_t>(place)];
      }
      const auto behind = text.begin() + (last + 1);
      targets.insert(targets.end(), behind - predicted, behind);
    }
    tape.reset();
    const auto logits = [&] {
      if constexpr (each)
        return model(tape, inputs);
      else
        return model.next_token(tape, inputs);
    }();
    const kernels::RowsSize rows_of_logits{rows * predicted, last_extent(logits.shape())};
    if (row_count(logits.shape()) != rows_of_logits.rows) {
      throw_error<ShapeError>(
          {"evaluate: expected logits for ", rows_of_logits.rows, " tokens, got shape ", logits.shape()});
    }
    require_tokens("evaluate", targets.data(), rows_of_logits.rows, rows_of_logits.columns);
    losses_of_rows(logits.value(), targets, rows_of_logits.columns, losses, log_sums);
    for (Index row = 0; row < rows; ++row) {
      const Index last = end(first + row);
      for (; counted < last; ++counted) {
        nats += static_cast<double>(losses[static_cast<std::size_t>((row + 1) * predicted - (last - counted))]);
      }
    }
  }
  return nats;
}

/// Whether one of the tokens stands for words that the tokenizer does not know, and how long those are is not
/// known either.
inline bool has_unknown(std::span<const Token> tokens, const Tokenizer& tokenizer) {
  const std::string unknown = tokenizer.unknown();
  if (unknown.empty()) return false;
  const Token token = tokenizer.encode(unknown).front();
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

/// Bytes behind the first token, of a text with its tokens and of what tokens decode to; 0: not known.
inline Index bytes_behind_first(std::string_view text, std::span<const Token> tokens,
                                const Tokenizer& tokenizer) {
  if (has_unknown(tokens, tokenizer)) return 0;
  if (tokenizer.unit() != TokenUnit::word)
    return static_cast<Index>(text.size() - tokenizer.token(tokens.front()).size());
  const std::size_t begin = text.find_first_not_of(white_space);
  return static_cast<Index>(text.size() - std::min(text.size(), text.find_first_of(white_space, begin)));
}
inline Index bytes_behind_first(std::span<const Token> tokens, const Tokenizer& tokenizer) {
  if (has_unknown(tokens, tokenizer)) return 0;
  const Index between = tokenizer.unit() == TokenUnit::word ? 1 : 0;
  Index bytes = 0;
  for (const Token token : tokens.subspan(1))
    bytes += static_cast<Index>(tokenizer.token(token).size()) + between;
  return bytes;
}

inline TextEvaluation text_evaluation(double nats, std::size_t size, Index bytes) {
  const auto tokens = static_cast<Index>(size) - 1;
  const double mean = nats / static_cast<double>(tokens);
  const double bits = bytes > 0 ? nats / std::numbers::ln2 / static_cast<double>(bytes) : 0;
  return {.nats_per_token = mean,
          .perplexity = libm::exp(mean),
          .bits_per_byte = bits,
          .tokens = tokens,
          .bytes = bytes};
}

}  // namespace detail

/// How well a model predicts a text. Every token but the first is predicted exactly once, whatever the windows:
///
///   const TextEvaluation test = evaluate(model, corpus.test, corpus.tokenizer, {.stride = 32});
///   std::printf("%.3f bits per byte\n", test.bits_per_byte);
///
/// A model that predicts every position reads windows that begin every `stride` tokens, and the last one so
/// that it ends with the text. The first counts for all its tokens, each later one for those that no window
/// before it has predicted: its last `stride`. These see at least context − stride + 1 of the tokens before
/// them, so that a smaller stride predicts better and costs more. A model that only predicts what follows a
/// window reads one for each token; in front of the text's first tokens stands `padding`, as in `generate`.
/// Touches no random stream.
///
/// Throws `DataError` on a text of fewer than 2 tokens, `RangeError` on a token outside the vocabulary,
/// `ConfigError` on windows that do not fit. A model's scalar is deduced, that of any other struct is named:
/// `evaluate<float>(net, …)`.
template <Scalar Real, class Model, TokenText Text>
TextEvaluation evaluate(const Model& model, const Text& text, const TextWindows& windows = {}) {
  const std::span<const Token> tokens(text);
  return detail::text_evaluation(detail::text_nats<Real>(model, tokens, windows), tokens.size(), 0);
}
template <class Model, TokenText Text>
TextEvaluation evaluate(const Model& model, const Text& text, const TextWindows& windows = {}) {
  return evaluate<typename detail::ScalarOfModel<Model>::type>(model, text, windows);
}

/// The same with bits per byte: of a text as it is, or of tokens as the tokenizer decodes them.
template <Scalar Real, class Model, AnyText Text>
TextEvaluation evaluate(const Model& model, const Text& text, const Tokenizer& tokenizer,
                        const TextWindows& windows = {}) {
  if constexpr (requires { model.config.vocabulary; }) {
    require_config(tokenizer.size() == model.config.vocabulary,
                   {"evaluate: the tokenizer has ", tokenizer.size(), " tokens, but the model a vocabulary of ",
                    model.config.vocabulary});
  }
  if constexpr (TokenText<Text>) {
    const std::span<const Token> tokens(text);
    const double nats = detail::text_nats<Real>(model, tokens, windows);
    return detail::text_evaluation(nats, tokens.size(), detail::bytes_behind_first(tokens, tokenizer));
  } else {
    const std::vector<Token> tokens = tokenizer.encode(text);
    const double nats = detail::text_nats<Real>(model, tokens, windows);
    return detail::text_evaluation(nats, tokens.size(), detail::bytes_behind_first(text, tokens, tokenizer));
  }
}
template <class Model, AnyText Text>
TextEvaluation evaluate(const Model& model, const Text& text, const Tokenizer& tokenizer,
                        const TextWindows& windows = {}) {
  return evaluate<typename detail::ScalarOfModel<Model>::type>(model, text, tokenizer, windows);
}

}  // namespace slm
