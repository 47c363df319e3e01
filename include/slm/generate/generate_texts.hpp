#pragma once
// Several texts from a trained model, a token of each after the other.
#include <vector>

#include "slm/generate/sample.hpp"

namespace slm {

/// Prompts (B, T) of one length, each continued by `count` tokens; returns the new ones, text after text. Those
/// of text b are the tokens that `generate` gives for its prompt alone with the stream random.child(b). While
/// the texts fit in what the model sees, they are read together, and the weights once for all of them; behind
/// that each is continued by itself. What `generate` refuses is refused, and a `ConfigError` says that
/// `on_token` is for one text.
template <Scalar Real, class Model>
std::vector<std::vector<Token>> generate_texts(const Model& model, const Tokens<2>& prompts, Index count,
                                               const SampleConfig& config, RandomArgument random,
                                               Token padding = 0) {
  require_config(!config.on_token, "generate_texts: on_token is for one text, see generate");
  detail::require_generation<Real>("generate_texts", model, count, config);
  const Index B = prompts.extent(0), T = prompts.extent(1);
  require_config(B == 0 || T > 0, "generate_texts: the prompts are empty");
  std::vector<std::vector<Token>> texts;
  std::vector<Random> streams;
  for (Index b = 0; b < B; ++b) {
    texts.emplace_back(prompts.data() + b * T, prompts.data() + (b + 1) * T);
    streams.push_back(random->child(static_cast<std::uint64_t>(b)));
  }
  const auto length = [&] { return static_cast<Index>(texts.front().size()); };
  if constexpr (Decodable<Model, Real> && requires { model.make_state(B); }) {
    const Index most = model.make_state().capacity();
    if (config.cache && B > 0 && T > 0 && count > 1 && T < most) {
      Decoder<Model, Real> decoder(model, {.weights = config.weights, .texts = B, .rolls = config.rolls});
      Sampler<Real> sampler;
      Tokens<2> next({B, 1});
      auto logits = decoder.read_texts(prompts);
      while (true) {
        const std::size_t V = logits.size() / static_cast<std::size_t>(B);
        for (std::size_t b = 0; b < texts.size(); ++b) {
          texts[b].push_back(sampler(logits.subspan(b * V, V), config, streams[b]));
          next.data()[b] = texts[b].back();
        }
        if (length() - T == count || (length() > most && !config.rolls)) break;
        logits = decoder.read_texts(next);
      }
    }
  }
  std::vector<std::vector<Token>> added;
  for (std::size_t b = 0; b < texts.size(); ++b) {
    const std::vector<Token> rest = generate<Real>(model, std::span<const Token>(texts[b]),
                                                   T + count - length(), config, streams[b], padding);
    added.emplace_back(texts[b].begin() + T, texts[b].end());
    added.back().insert(added.back().end(), rest.begin(), rest.end());
  }
  return added;
}
template <template <Scalar> class Model, Scalar Real>
std::vector<std::vector<Token>> generate_texts(const Model<Real>& model, const Tokens<2>& prompts, Index count,
                                               const SampleConfig& config, RandomArgument random,
                                               Token padding = 0) {
  return generate_texts<Real>(model, prompts, count, config, random, padding);
}

}  // namespace slm
