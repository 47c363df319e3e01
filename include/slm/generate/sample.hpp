#pragma once
// Text from a trained model, one token at a time.
#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "slm/core/libm.hpp"
#include "slm/generate/decoder.hpp"

namespace slm {

/// How tokens are drawn.
struct SampleConfig {
  double temperature = 1;  // logits are divided by it; 0 takes the likeliest token
  Index top_k = 0;         // draw among the k likeliest tokens; 0: among all
  bool cache = true;       // `generate` computes each token once where it can; the tokens are the same
  std::function<bool(Token)> on_token = {};  // `generate` calls it with each new token; false ends the text
};

/// Draws a token with probability softmax(logits / temperature), restricted to the top k.
template <Scalar Real>
Token sample(std::span<const Real> logits, const SampleConfig& config, RandomArgument random) {
  require_config(!logits.empty(), "sample: there are no logits");
  require_config(is_finite(config.temperature) && config.temperature >= 0 && config.top_k >= 0,
                 {"sample: temperature and top_k must be finite and at least 0, got ", config.temperature,
                  " and ", config.top_k});
  struct Candidate {
    Real logit;
    Token token;
  };
  std::vector<Candidate> order;
  order.reserve(logits.size());
  for (const Real x : logits) {
    if (!is_finite(x)) throw_error<NumericError>("sample: a logit is not finite");
    order.push_back({x, static_cast<Token>(order.size())});
  }
  // A heap: a draw looks at the likeliest first and seldom needs them all in order.
  const auto less_likely = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit < b.logit : a.token > b.token;
  };
  std::make_heap(order.begin(), order.end(), less_likely);
  if (config.temperature == 0) return order.front().token;
  std::ptrdiff_t sorted = 0;  // the likeliest, at the end of `order`, the first of them last
  const auto sort_first = [&](std::ptrdiff_t count) {
    for (; sorted < count; ++sorted) std::pop_heap(order.begin(), order.end() - sorted, less_likely);
  };
  if (config.top_k > 0 && config.top_k < static_cast<Index>(order.size())) {
    sort_first(config.top_k);
    order.erase(order.begin(), order.end() - sorted);
  }

  const double highest = static_cast<double>(sorted > 0 ? order.back().logit : order.front().logit);
  const auto weight = [&](const Candidate& candidate) {
    return libm::exp((static_cast<double>(candidate.logit) - highest) / config.temperature);
  };
  double total = 0, sum = 0;
  for (std::size_t i = order.size(); i-- > 0;) total += weight(order[i]);
  const double draw = random->uniform() * total;
  for (std::size_t i = order.size(); i-- > 1;) {
    sort_first(static_cast<std::ptrdiff_t>(order.size() - i));
    sum += weight(order[i]);
    if (sum > draw) return order[i].token;
  }
  return order.front().token;
}

/// The prompt continued by `count` tokens, or fewer where `on_token` ends the text; returns the new ones. The
/// model sees the last `config.context` tokens, a number that it has to have, or, where its state takes a text
/// of any length (`GruLM`), all; one that needs a full window sees a shorter text with `padding` in front.
/// Throws a `RangeError` on a token of the prompt outside the vocabulary, and a `ShapeError` where the model
/// gives more or fewer logits than that has tokens. A model's scalar is deduced, that of any other struct is
/// named: `generate<float>(net, …)`.
///
/// While the text fits in what the model sees, a model that can reads each token once, through a `Decoder`; one
/// derived from it with a `next_token` of its own is called through that. In a text that has outgrown a
/// context, every token seen stands at another position for each token that is drawn, and all are computed
/// again, as they are always with `cache` off.
template <Scalar Real, class Model>
std::vector<Token> generate(const Model& model, std::span<const Token> prompt, Index count,
                            const SampleConfig& config, RandomArgument random, Token padding = 0) {
  require_config(!prompt.empty(), "generate: the prompt is empty");
  require_config(count >= 0, {"generate: the number of tokens must not be negative, got ", count});
  constexpr bool decodable = Decodable<Model, Real>;
  constexpr bool any_length = decodable || requires(Tape<Real> & tape, const Tokens<2>& tokens) {
    model(tape, tokens);
  };
  constexpr bool knows_vocabulary = requires { model.config.vocabulary; };
  if constexpr (knows_vocabulary) {  // also of what stands before the window
    detail::require_tokens("generate", prompt.data(), static_cast<Index>(prompt.size()),
                           model.config.vocabulary);
  }
  std::vector<Token> text(prompt.begin(), prompt.end());
  const auto most = static_cast<std::size_t>([&]() -> Index {
    if constexpr (decodable) return model.make_state().capacity();
    return model.config.context;
  }());
  Tape<Real> tape(Mode::evaluate);
  const auto computed = [&]() -> std::span<const Real> {
    const std::size_t seen = std::min(text.size(), most);
    const std::size_t width = any_length ? seen : most;
    Tokens<2> window({1, static_cast<Index>(width)});
    std::fill(window.begin(), window.end(), padding);
    std::copy(text.end() - static_cast<std::ptrdiff_t>(seen), text.end(), window.end() - seen);
    tape.reset();
    const auto logits = model.next_token(tape, window);
    return {logits.value(), static_cast<std::size_t>(logits.size())};
  };

  Index drawn = 0;
  const auto append = [&](std::span<const Real> logits) {
    if constexpr (knows_vocabulary) {
      if (static_cast<Index>(logits.size()) != model.config.vocabulary) {
        throw_error<ShapeError>({"generate: expected next_token to give logits of shape (1, ",
                                 model.config.vocabulary, "), one for each token of the vocabulary, got ",
                                 logits.size(), " numbers"});
      }
    }
    text.push_back(sample<Real>(logits, config, random));
    ++drawn;
    if (config.on_token && !config.on_token(text.back())) count = drawn;
  };
  if constexpr (decodable) {
    // A decoder costs a copy of the weights: too much for a single token.
    if (config.cache && count > 1 && text.size() < most) {
      Decoder<Model, Real> decoder(model);
      while (drawn < count && text.size() <= most) {
        append(decoder.read(std::span<const Token>(text).subspan(static_cast<std::size_t>(decoder.length()))));
      }
    }
  }
  while (drawn < count) append(computed());
  return {text.begin() + static_cast<std::ptrdiff_t>(prompt.size()), text.end()};
}
template <template <Scalar> class Model, Scalar Real>
std::vector<Token> generate(const Model<Real>& model, std::span<const Token> prompt, Index count,
                            const SampleConfig& config, RandomArgument random, Token padding = 0) {
  return generate<Real>(model, prompt, count, config, random, padding);
}

}  // namespace slm
