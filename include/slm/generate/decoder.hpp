#pragma once
// Reading a text with a model as it grows: the keys and values of what was read are kept.
#include <span>

#include "slm/autograd/ops/check.hpp"
#include "slm/nn/key_value_cache.hpp"

namespace slm {

/// A model that computes new tokens alone where it is given the keys and values of those before.
template <class Model, class Real>
concept Decodable = requires(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens,
                             KeyValueCache<Real>* cache) {
  model.next_token(tape, tokens, cache);
};

/// Logits of the token that follows a text, with each token of the text computed once. It is the model itself
/// that is called, with a cache, and the logits have the same bits as those of `next_token` without one, which
/// computes the whole text each time (where a library makes the products, they differ by the rounding of its
/// products of different sizes).
///
///   Decoder decoder(model);
///   auto logits = decoder.read(prompt);         // all at once
///   logits = decoder.read({&token, 1});         // costs one position
///
/// The model must outlive the decoder and keep the weights it had when the first token was read. Beside it, a
/// decoder holds keys and values of each token of the context, 2 L C numbers or fewer where heads share them,
/// and a transposed copy of every matrix: a product of one row would have to transpose it each time. Reading
/// allocates memory only where it reads more tokens at once than ever before. One thread may use a decoder at a
/// time.
template <class Model, Scalar Real>
requires Decodable<Model, Real>
class Decoder {
 public:
  explicit Decoder(const Model& model)
      : model_(model), cache_(model.config.context), one_({1, 1}), tape_(Mode::evaluate) {
    tape_.recorder().use_transposed(weights_);
  }
  explicit Decoder(Model&&) = delete;  // it would be gone before the first text is read

  /// Appends tokens, at least one, to the text → logits (V) of the token that follows, valid until the next
  /// call. Where a token lies outside the vocabulary or the text outgrows the context it throws, and has read
  /// nothing.
  std::span<const Real> read(std::span<const Token> tokens) {
    const Index T = static_cast<Index>(tokens.size()), context = model_.config.context;
    if (T < 1 || T > context - length()) {
      throw ShapeError(make_text({"Decoder: the context of ", context, " tokens has room for ",
                                  context - length(), " more, and at least 1 must be read, but got ", T}));
    }
    detail::require_tokens("Decoder", tokens.data(), T, model_.config.vocabulary);
    if (T > 1 && many_.extent(1) != T) many_ = Tokens<2>({1, T});
    Tokens<2>& window = T == 1 ? one_ : many_;
    std::copy(tokens.begin(), tokens.end(), window.begin());
    tape_.reset();
    const auto logits = model_.next_token(tape_, window, &cache_);
    cache_.advance(T);
    return {logits.value(), static_cast<std::size_t>(logits.size())};
  }

  /// Tokens read so far.
  Index length() const { return cache_.length(); }

  /// Forgets the text and keeps the memory.
  void clear() { cache_.clear(); }

 private:
  const Model& model_;
  TransposedWeights<Real> weights_;
  KeyValueCache<Real> cache_;
  Tokens<2> one_, many_;
  Tape<Real> tape_;
};

template <template <Scalar> class Model, Scalar Real>
Decoder(const Model<Real>&) -> Decoder<Model<Real>, Real>;

}  // namespace slm
