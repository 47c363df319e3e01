#pragma once
// Reading a text with a model as it grows: the model keeps what it needs of the tokens that were read.
#include <concepts>
#include <limits>
#include <span>

#include "slm/autograd/ops/check.hpp"
#include "slm/core/weight_strips.hpp"

namespace slm {

/// A model that reads a text as it grows: it computes new tokens alone where it is given what it keeps of those
/// before, its state. Beside what a `LanguageModel` has:
///   using State = MyState<Real>;
///   State make_state() const;                                 // of an empty text
///   Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens, State* state = nullptr) const;
/// A state belongs to one text (B = 1), begins at the first token, and counts what was read:
///   struct MyState {
///     Index length() const;        // tokens read
///     Index capacity() const;      // of the longest text: that of a window, or as many as an Index counts
///     void advance(Index tokens);  // called after next_token
///     void clear();                // back to an empty text, with the memory
///   };
template <class Model, class Real>
concept Decodable = requires(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens,
                             typename Model::State& state, Index count) {
  { model.make_state() } -> std::same_as<typename Model::State>;
  { model.next_token(tape, tokens, &state) } -> std::same_as<Var<Real, 2>>;
  { state.length() } -> std::convertible_to<Index>;
  { state.capacity() } -> std::convertible_to<Index>;
  state.advance(count);
  state.clear();
};

/// How a decoder keeps what it reads a text with.
struct DecoderConfig {
  WeightFormat weights = WeightFormat::full;  // of the copies of the model's matrices
};

/// Logits of the token that follows a text, with each token of the text computed once. It is the model itself
/// that is called, with a state, and the logits have the same bits as those of `next_token` without one, which
/// computes the whole text each time (where a library makes the products, they differ by the rounding of its
/// products of different sizes).
///
///   Decoder decoder(model);
///   auto logits = decoder.read(prompt);         // all at once
///   logits = decoder.read({&token, 1});         // costs one position
///
/// The model must outlive the decoder and keep the weights it had when the first token was read. Beside it, a
/// decoder holds its state (a transformer's: keys and values of each token of the context, 2 L C numbers or
/// fewer where heads share them; a recurrent model's: L H, of an LSTM 2 L H, for a text of any length), and a
/// transposed copy of every matrix: a product of one row would have to transpose it each time. Reading
/// allocates memory only where it reads more tokens at once than ever before. One thread may use a decoder at a
/// time.
template <class Model, Scalar Real>
requires Decodable<Model, Real>
class Decoder {
 public:
  explicit Decoder(const Model& model, const DecoderConfig& config = {})
      : model_(model), state_(model.make_state()), one_({1, 1}), tape_(Mode::evaluate) {
    tape_.recorder().count_nothing();
    tape_.groups().pack_all_weights(weight_packing<Real>(config.weights));
  }
  explicit Decoder(Model&&,
                   const DecoderConfig& = {}) = delete;  // it would be gone before the first text is read

  /// Appends tokens, at least one, to the text → logits (V) of the token that follows, valid until the next
  /// call. Where a token lies outside the vocabulary or the text outgrows the state's capacity, a transformer's
  /// context, it throws, and has read nothing.
  std::span<const Real> read(std::span<const Token> tokens) {
    const Index T = static_cast<Index>(tokens.size()), room = state_.capacity() - length();
    if (T < 1 || T > room) throw_no_room(T, room);
    detail::require_tokens("Decoder", tokens.data(), T, model_.config.vocabulary);
    if (T > 1 && many_.extent(1) != T) many_ = Tokens<2>({1, T});
    Tokens<2>& window = T == 1 ? one_ : many_;
    std::copy(tokens.begin(), tokens.end(), window.begin());
    tape_.reset();
    const auto logits = model_.next_token(tape_, window, &state_);
    state_.advance(T);
    return {logits.value(), static_cast<std::size_t>(logits.size())};
  }

  /// Tokens read so far.
  Index length() const { return state_.length(); }

  /// Forgets the text and keeps the memory.
  void clear() { state_.clear(); }

 private:
  [[noreturn, gnu::noinline, gnu::cold]] void throw_no_room(Index tokens, Index room) const {
    const bool has_limit = state_.capacity() < std::numeric_limits<Index>::max();
    throw_error<ShapeError>({"Decoder: ",
                             has_limit ? make_text({"the context of ", state_.capacity(),
                                                    " tokens has room for ", room, " more, and "})
                                       : "",
                             "at least 1 must be read, but got ", tokens});
  }

  const Model& model_;
  typename Model::State state_;
  Tokens<2> one_, many_;
  Tape<Real> tape_;
};

template <template <Scalar> class Model, Scalar Real>
Decoder(const Model<Real>&, const DecoderConfig& = {}) -> Decoder<Model<Real>, Real>;

}  // namespace slm
