#pragma once
// Text from a trained model, one token at a time.
#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "slm/core/math.hpp"
#include "slm/core/reduce.hpp"
#include "slm/generate/decoder.hpp"

namespace slm {

/// How tokens are drawn.
struct SampleConfig {
  double temperature = 1;  // logits are divided by it; 0 takes the likeliest token
  Index top_k = 0;         // draw among the k likeliest tokens; 0: among all
  double top_p = 1;        // of these among the fewest, the likeliest first, that come with this probability
  bool cache = true;  // `generate` computes each token once where it can; of full weights it is the same text
  std::function<bool(Token)> on_token = {};   // `generate` calls it with each new token; false ends the text
  WeightFormat weights = WeightFormat::full;  // of the matrices that a decoder reads, see `generate`
  bool rolls = false;  // a text that outgrows the context goes on without its oldest tokens, see `Decoder`
};

namespace detail {

inline void require_sampling(const SampleConfig& config) {
  require_config(is_finite(config.temperature) && config.temperature >= 0,
                 {"sample: temperature must be finite and at least 0, got ", config.temperature});
  require_config(config.top_k >= 0, {"sample: top_k must not be negative, got ", config.top_k});
  require_config(config.top_p > 0 && config.top_p <= 1,
                 {"sample: top_p must be above 0 and at most 1, got ", config.top_p});
}

/// What `generate` is asked for, whether or not it comes to that.
template <Scalar Real, class Model>
void require_generation(std::string_view who, const Model& model, Index count, const SampleConfig& config) {
  require_config(count >= 0, {who, ": the number of tokens must not be negative, got ", count});
  require_sampling(config);
  weight_packing<Real>(config.weights);
  if (!config.rolls) return;
  require_config(config.cache, {who, ": `rolls` goes on with what is kept, but `cache` is off"});
  if constexpr (Decodable<Model, Real>) {
    require_rolling(who, model.make_state());
  } else {
    throw_error<ConfigError>({who, ": `rolls` needs a model that is read token by token, see Decodable"});
  }
}

}  // namespace detail

/// Draws tokens, with the memory of the one before. Of equally likely tokens the first is taken for the
/// likelier.
template <Scalar Real>
class Sampler {
 public:
  /// A token with probability softmax(logits / temperature) among those that top_k and top_p leave. Throws a
  /// `NumericError` where a logit is not finite.
  Token operator()(std::span<const Real> logits, const SampleConfig& config, RandomArgument random) {
    require_config(!logits.empty(), "sample: there are no logits");
    detail::require_sampling(config);
    V_ = static_cast<Index>(logits.size()), logits_ = logits.data();
    if (!all_finite(logits_, V_)) throw_error<NumericError>("sample: a logit is not finite");
    highest_ = max_of(logits_, V_);
    if (config.temperature == 0 || config.top_k == 1) return likeliest();
    weigh(config.temperature);
    if (config.top_k > 0 && config.top_k < V_) {
      keep(static_cast<double>(config.top_k), nullptr);
    }
    if (config.top_p < 1) keep(config.top_p * total(), weights_.data());
    return drawn(random->uniform() * total());
  }

 private:
  static constexpr Index block = 256;

  Token likeliest() const { return static_cast<Token>(std::find(logits_, logits_ + V_, highest_) - logits_); }

  /// Weights exp((logit − the highest) / temperature).
  void weigh(double temperature) {
    if (weights_.size() < static_cast<std::size_t>(V_)) {
      weights_.resize(static_cast<std::size_t>(V_));
      near_.resize(weights_.size());
      near_logits_.resize(weights_.size()), near_measures_.resize(weights_.size());
    }
    constexpr double smallest = std::numeric_limits<float>::min();  // as a float it is not 0
    const Real T = static_cast<Real>(std::max(temperature, smallest));
    const Real *x = logits_, highest = highest_;
    Real* weights = weights_.data();
    for (Index v = 0; v < V_; ++v) weights[v] = math::exp((x[v] - highest) / T);
  }

  /// Of block after block of tokens.
  Real sum_of_block(Index first) const {
    const Real* weights = weights_.data() + first;
    return sum_over<Real>(std::min(block, V_ - first), [=](Index i) { return weights[i]; });
  }
  double total() const {
    double sum = 0;
    for (Index first = 0; first < V_; first += block) sum += static_cast<double>(sum_of_block(first));
    return sum;
  }

  /// Leaves weights to the fewest tokens, the likeliest first, whose measures (V) reach `target`; a token's
  /// measure is 1 where there are none. To all where rounded sums do not reach it.
  void keep(double target, const Real* measures) {
    const Real* x = logits_;
    Real* weights = weights_.data();
    // Tokens from `more` on do not reach the target, those from `least` on do; between the two become few.
    Real least = highest_, more = static_cast<Real>(std::numeric_limits<double>::infinity());
    double sum = 0;  // of the measures from `more` on
    const auto reaches = [&](Real logit, double measure) {
      if (measure >= target) return least = logit, true;
      return more = logit, sum = measure, false;
    };
    const auto measure_from = [](Real logit, const Real* from, const Real* its_measures, Index count) {
      return static_cast<double>(sum_where_at_least(from, logit, its_measures, count));
    };
    const auto middle = [&] { return least / Real(2) + std::min(more, highest_) / Real(2); };
    for (Real step(1); !reaches(highest_ - step, measure_from(highest_ - step, x, measures, V_));
         step += step) {
      if (!is_finite(step)) return;
    }
    constexpr int among_all = 2, among_near = 6;
    for (int i = 0; i < among_all && more > least; ++i)
      reaches(middle(), measure_from(middle(), x, measures, V_));
    // A processor cannot guess which tokens lie between: without branches.
    Token* found = near_.data();
    Real *logit = near_logits_.data(), *measure = near_measures_.data();
    const auto lies_between = [&](Real its) {
      return static_cast<Index>(its >= least) & static_cast<Index>(its < more);
    };
    Index count = 0;
    for (Index v = 0; v < V_; ++v) found[count] = static_cast<Token>(v), count += lies_between(x[v]);
    for (Index i = 0; i < count; ++i) logit[i] = x[found[i]];
    for (Index i = 0; measures && i < count; ++i) measure[i] = measures[found[i]];
    const double before = sum;
    for (int i = 0; i < among_near && more > least; ++i) {
      reaches(middle(), before + measure_from(middle(), logit, measures ? measure : nullptr, count));
    }
    Index between = 0;
    for (Index i = 0; i < count; ++i) found[between] = found[i], between += lies_between(logit[i]);
    std::sort(found, found + between, [=](Token a, Token b) { return x[a] != x[b] ? x[a] > x[b] : a < b; });
    for (Index v = 0; v < V_; ++v) weights[v] = x[v] >= least ? weights[v] : Real(0);
    for (Index i = 0; i < between; ++i) {
      Real& weight = weights[found[i]];
      if (sum >= target) {
        weight = 0;
      } else {
        sum += measures ? static_cast<double>(weight) : 1;
      }
    }
  }

  /// The token in whose weight a number below the total falls, of all weights one after the other.
  Token drawn(double draw) const {
    Index found = 0;
    for (Index first = 0; first < V_; first += block) {
      const auto sum = static_cast<double>(sum_of_block(first));
      if (sum > 0) found = first;
      if (draw < sum) break;
      draw -= sum;
    }
    Token token = 0;
    for (Index v = found; v < std::min(found + block, V_); ++v) {
      const auto weight = static_cast<double>(weights_[static_cast<std::size_t>(v)]);
      if (weight > 0) token = static_cast<Token>(v);
      if (draw < weight) break;
      draw -= weight;
    }
    return token;
  }

  std::vector<Real> weights_;
  std::vector<Token> near_;                        // those among which a limit lies
  std::vector<Real> near_logits_, near_measures_;  // of them
  const Real* logits_ = nullptr;                   // of this draw, as what follows
  Index V_ = 0;
  Real highest_{};
};

/// One token, see `Sampler`.
template <Scalar Real>
Token sample(std::span<const Real> logits, const SampleConfig& config, RandomArgument random) {
  return Sampler<Real>()(logits, config, random);
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
/// again, as they are always with `cache` off. Where it `rolls`, the decoder goes on instead: one position for
/// a token, and another text, since what it keeps has seen what is forgotten.
///
/// With `config.weights` of fewer bits the decoder reads fewer bytes for a token, and the text is that of a
/// model with such matrices. What is computed without a decoder has the model's own, also where `count` is 1:
/// for a text of one model round these first, by `round_weights`, which costs what `evaluate` says of it.
template <Scalar Real, class Model>
std::vector<Token> generate(const Model& model, std::span<const Token> prompt, Index count,
                            const SampleConfig& config, RandomArgument random, Token padding = 0) {
  require_config(!prompt.empty(), "generate: the prompt is empty");
  detail::require_generation<Real>("generate", model, count, config);
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
  Sampler<Real> sampler;
  const auto append = [&](std::span<const Real> logits) {
    if constexpr (knows_vocabulary) {
      if (static_cast<Index>(logits.size()) != model.config.vocabulary) {
        throw_error<ShapeError>({"generate: expected next_token to give logits of shape (1, ",
                                 model.config.vocabulary, "), one for each token of the vocabulary, got ",
                                 logits.size(), " numbers"});
      }
    }
    text.push_back(sampler(logits, config, random));
    ++drawn;
    if (config.on_token && !config.on_token(text.back())) count = drawn;
  };
  if constexpr (decodable) {
    // A decoder costs a copy of the weights: too much for a single token.
    if (config.cache && count > 1 && (config.rolls || text.size() < most)) {
      Decoder<Model, Real> decoder(model, {.weights = config.weights, .rolls = config.rolls});
      std::size_t read = text.size() - std::min(text.size(), most);
      while (drawn < count && (config.rolls || text.size() <= most)) {
        const auto logits = decoder.read(std::span<const Token>(text).subspan(read));
        read = text.size();
        append(logits);
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
