#pragma once
// Reading a text with a model as it grows: the model keeps what it needs of the tokens that were read.
#include <concepts>
#include <limits>
#include <span>

#include "slm/autograd/ops/check.hpp"
#include "slm/core/weight_strips.hpp"
#include "slm/nn/contracts.hpp"
#include "slm/nn/round_weights.hpp"

namespace slm {

/// A model that reads a text as it grows: it computes new tokens alone where it is given what it keeps of those
/// before, its state. Beside what a `LanguageModel` has:
///   using State = MyState<Real>;
///   State make_state() const;                                 // of an empty text
///   Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens, State* state = nullptr) const;
/// A state belongs to one text, begins at the first token, and counts what was read. Where make_state takes a
/// number, it belongs to so many texts, which are read together, B = texts:
///   struct MyState {
///     Index length() const;        // tokens read
///     Index capacity() const;      // of the longest text: that of a window, or as many as an Index counts
///     void advance(Index tokens);  // called after next_token
///     void clear();                // back to an empty text, with the memory
///     // and, to go on where a text outgrows that:
///     bool rolls() const;              // whether it can
///     void drop_oldest(Index tokens);  // forgets the first ones
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
  Index texts = 1;                            // that are read together, a token of each after the other
  bool rolls = false;  // where a text outgrows the context, its oldest tokens are forgotten
};

namespace detail {

/// Whether a state can forget its oldest tokens, or never has to.
template <class State>
bool can_roll(const State& state) {
  if (state.capacity() == std::numeric_limits<Index>::max()) return true;
  if constexpr (requires { state.rolls(); }) return state.rolls();
  return false;
}
template <class State>
void require_rolling(std::string_view who, const State& state) {
  require_config(can_roll(state),
                 {who,
                  ": `rolls` needs a model that can forget its oldest tokens: a transformer whose "
                  "position is rotary or none, or a recurrent model"});
}

/// Makes the tape one that is run for every token of a text, with copies of weights in the format.
template <Scalar Real>
void prepare_decoding(Tape<Real>& tape, WeightFormat weights) {
  tape.recorder().count_nothing();
  tape.groups().pack_all_weights(weight_packing<Real>(weights));
}

}  // namespace detail

/// Logits of the token that follows a text, with each token of the text computed once. It is the model itself
/// that is called, with a state, and the logits have the same bits as those of `next_token` without one, which
/// computes the whole text each time (where a library makes the products, they differ by the rounding of its
/// products of different sizes).
///
///   Decoder decoder(model);
///   auto logits = decoder.read(prompt);         // all at once
///   logits = decoder.read({&token, 1});         // costs one position
///
/// A decoder that `rolls` forgets an eighth of the context, from the oldest tokens on, where a text outgrows
/// it. What it keeps of the others has seen those, and so the logits are not those of a window of the last
/// tokens, which costs a whole window for every token. A transformer has to turn its keys for that, or to know
/// no positions.
///
/// With weights in fewer bits, which have to be finite, logits are those of a model whose matrices are rounded
/// so (of `int8` but for the rounding of sums), except for embeddings, which are looked up in the model. Texts
/// that are read together have the bits of each alone, and read the weights once for all.
///
/// The model must outlive the decoder and keep the weights it had when the first token was read. Beside it, a
/// decoder holds its state (a transformer's: keys and values of each token of the context, 2 L C numbers or
/// fewer where heads share them; a recurrent model's: L H, of an LSTM 2 L H, for a text of any length), and a
/// copy of every matrix in the order in which a product of one row reads it. Reading allocates memory only
/// where it reads more tokens at once than ever before. One thread may use a decoder at a time.
template <class Model, Scalar Real>
requires Decodable<Model, Real>
class Decoder {
 public:
  explicit Decoder(const Model& model, const DecoderConfig& config = {})
      : model_(model),
        state_(state_of(model, config.texts)),
        rolls_(config.rolls),
        one_({config.texts, 1}),
        tape_(Mode::evaluate) {
    if (rolls_) detail::require_rolling("Decoder", state_);
    detail::prepare_decoding(tape_, config.weights);
    if constexpr (Module<Model> && std::is_floating_point_v<Real>) {
      if (config.weights != WeightFormat::full) detail::require_finite_matrices("Decoder", model_);
    }
  }
  explicit Decoder(Model&&,
                   const DecoderConfig& = {}) = delete;  // it would be gone before the first text is read

  /// Appends tokens, at least one, to the text → logits (V) of the token that follows, valid until the next
  /// call. Where a token lies outside the vocabulary or the text outgrows the state's capacity, a transformer's
  /// context, it throws, and has read nothing. A decoder that `rolls` takes as many tokens at once as that.
  std::span<const Real> read(std::span<const Token> tokens) {
    const Index T = static_cast<Index>(tokens.size());
    if (texts() != 1) throw_texts({&T, 1});
    return read(tokens.data(), T);
  }
  /// The same of several texts: tokens (B, T), as many for each → logits (B, V), text after text.
  std::span<const Real> read_texts(const Tokens<2>& tokens) {
    if (texts() != tokens.extent(0)) throw_texts(tokens.shape());
    return read(tokens.data(), tokens.extent(1));
  }

  /// Texts that are read together.
  Index texts() const { return one_.extent(0); }
  /// Tokens read so far of each, without those that were forgotten.
  Index length() const { return state_.length(); }

  /// Forgets the texts and keeps the memory.
  void clear() { state_.clear(); }

 private:
  static constexpr bool drops = requires(typename Model::State & state, Index count) {
    state.drop_oldest(count);
    { state.rolls() } -> std::convertible_to<bool>;
  };

  static typename Model::State state_of(const Model& model, Index texts) {
    if constexpr (requires { model.make_state(texts); }) {
      require_config(texts >= 1, {"Decoder: the number of texts must be positive, got ", texts});
      return model.make_state(texts);
    } else {
      require_config(texts == 1, {"Decoder: the model reads one text at a time, got ", texts,
                                  "; more need a make_state that takes their number"});
      return model.make_state();
    }
  }

  std::span<const Real> read(const Token* tokens, Index T) {
    const Index room = state_.capacity() - length(), lacks = T - room;
    const bool makes_room = drops && rolls_ && lacks > 0 && T <= state_.capacity();
    if (T < 1 || (lacks > 0 && !makes_room)) throw_no_room(T, room);
    detail::require_tokens("Decoder", tokens, texts() * T, model_.config.vocabulary);
    if constexpr (drops) {
      if (makes_room) state_.drop_oldest(std::min(std::max(lacks, state_.capacity() / 8), length()));
    }
    if (T > 1 && many_.extent(1) != T) many_ = Tokens<2>({texts(), T});
    Tokens<2>& window = T == 1 ? one_ : many_;
    std::copy_n(tokens, texts() * T, window.data());
    tape_.reset();
    const auto logits = model_.next_token(tape_, window, &state_);
    state_.advance(T);
    return {logits.value(), static_cast<std::size_t>(logits.size())};
  }

  [[noreturn, gnu::noinline, gnu::cold]] void throw_texts(std::span<const Index> shape) const {
    throw_error<ShapeError>(
        {"Decoder: tokens have shape ", shape, ", but ", texts(), " texts need (", texts(), ", T)"});
  }
  [[noreturn, gnu::noinline, gnu::cold]] void throw_no_room(Index tokens, Index room) const {
    if (rolls_ && tokens > 0) {
      throw_error<ShapeError>({"Decoder: with a context of ", state_.capacity(),
                               " tokens at most so many are read at once, got ", tokens});
    }
    const bool has_limit = state_.capacity() < std::numeric_limits<Index>::max();
    throw_error<ShapeError>({"Decoder: ",
                             has_limit ? make_text({"the context of ", state_.capacity(),
                                                    " tokens has room for ", room, " more, and "})
                                       : "",
                             "at least 1 must be read, but got ", tokens});
  }

  const Model& model_;
  typename Model::State state_;
  bool rolls_;
  Tokens<2> one_, many_;
  Tape<Real> tape_;
};

template <template <Scalar> class Model, Scalar Real>
Decoder(const Model<Real>&, const DecoderConfig& = {}) -> Decoder<Model<Real>, Real>;

}  // namespace slm
