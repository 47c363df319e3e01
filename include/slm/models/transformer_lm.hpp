#pragma once
#include <optional>

#include "slm/autograd/map_sequences.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/block.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/module.hpp"

namespace slm {

/// How a transformer knows positions: a learned vector added to each embedding, queries and keys turned by
/// the position, or not at all.
enum class Position { learned, rotary, none };

inline constexpr EnumName<Position> position_names[] = {
    {Position::learned, "learned"}, {Position::rotary, "rotary"}, {Position::none, "none"}};
constexpr std::span<const EnumName<Position>> enum_names(Position) { return position_names; }

namespace detail {

/// What a way to know positions is made of: a table that is learned, or queries and keys that are turned.
struct PositionParts {
  bool table, turns;
};
inline PositionParts parts_of(Position position) {
  switch (position) {
    case Position::learned:
      return {true, false};
    case Position::rotary:
      return {false, true};
    case Position::none:
      return {false, false};
  }
  throw_error<ConfigError>("TransformerLM: the position is none that there is");
}

}  // namespace detail

template <Scalar Real>
struct TransformerLM;

/// The config of a model names its model and lists its fields, as a layer does: for files, and to price a
/// model of shapes alone.
struct TransformerConfig {
  template <Scalar Real>
  using Model = TransformerLM<Real>;

  Index vocabulary;
  Index context;  // the most tokens of a window
  Index width = 128;
  Index layers = 3;
  Index heads = 4;
  Index feed_forward = 0;  // 0: four times the width
  Position position = Position::learned;
  NormPlacement norm = NormPlacement::pre;
  Activation activation = Activation::gelu;
  AttentionInit attention_init = AttentionInit::linear;
  double attention_dropout = 0;     // on attention weights
  double feed_forward_dropout = 0;  // on the feed-forward layer's output
  double residual_dropout = 0;      // on what each branch adds
  Normalization normalization = Normalization::layer;
  double norm_epsilon = 1e-5;    // of all norms
  bool biases = true;            // of linear maps and layer norms
  Index key_value_heads = 0;     // a divisor of heads, which share them; 0: as many as heads
  Index head_width = 0;          // 0: width / heads
  bool query_key_norm = false;   // see CausalSelfAttention
  double rotary_base = 10000;    // of rotary positions
  bool tied = false;             // the head's matrix is the embedding's: begin small, as with 0.02 below
  double initial_deviation = 0;  // matrices start N(0, deviation²) and biases 0, as GPT-2's; 0: as PyTorch's

  // Fields that come later stand last: a file from before has none of them, and they are at their default.
  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
    f("layers", self.layers), f("heads", self.heads), f("feed_forward", self.feed_forward);
    f("position", self.position), f("norm", self.norm), f("activation", self.activation);
    f("attention_init", self.attention_init), f("attention_dropout", self.attention_dropout);
    f("feed_forward_dropout", self.feed_forward_dropout), f("residual_dropout", self.residual_dropout);
    f("normalization", self.normalization), f("norm_epsilon", self.norm_epsilon), f("biases", self.biases);
    f("key_value_heads", self.key_value_heads), f("head_width", self.head_width);
    f("query_key_norm", self.query_key_norm), f("rotary_base", self.rotary_base), f("tied", self.tied);
    f("initial_deviation", self.initial_deviation);
  }
};

/// Whether the blocks run on groups of sequences: it pays off while adding up the groups' parameter gradients
/// costs little beside the activations. Wide models run operation by operation, shared among threads.
inline bool runs_by_sequences(Index block_parameters, Index activations) {
  constexpr Index parameters_per_activation = 16;
  return block_parameters <= count_product(parameters_per_activation, activations);
}

/// A decoder-only transformer. One block with a feed-forward layer of four times the width is the
/// self-attention model.
template <Scalar Real>
struct TransformerLM {
  static constexpr const char* name = "TransformerLM";
  using State = KeyValueCache<Real>;  // of a text that is read piece by piece
  TransformerConfig config;
  Embedding<Real> embedding;
  std::optional<Embedding<Real>> positions;
  std::vector<TransformerBlock<Real>> blocks;
  Norm<Real> norm;
  Linear<Real> head;  // without a weight of its own where that is tied

  TransformerLM(const TransformerConfig& setting, RandomArgument random);

  /// What the blocks make of every position: tokens (B, T) → (B, T, C).
  Var<Real, 3> hidden(Tape<Real>& tape, const Tokens<2>& tokens) const;
  /// The final norm and the head: (B, T, C) → (B, T, V). Of `hidden` it is operator().
  Var<Real, 3> logits(Var<Real, 3> x) const { return head(norm(x), head_weight()); }

  /// Logits of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const;

  /// Logits of the token that follows the window: tokens (B, T) → (B, V). The same function as the last
  /// position of operator(), without computing what nothing depends on: in the last block, only keys and
  /// values of the other positions are. With a cache, the tokens (B, T) follow those that were read before of
  /// as many texts, and only they are computed.
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens,
                          KeyValueCache<Real>* cache = nullptr) const;

  /// The mean cross entropy of operator() without all of its logits, see `GivesLoss`.
  Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<2>& targets) const;
  /// The same of next_token.
  Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<1>& targets) const;
  using LossOf = TransformerLM;

  /// That of so many empty texts.
  State make_state(Index texts = 1) const {
    return State(config.context, texts, !detail::parts_of(config.position).table);
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("positions", self.positions), f("blocks", self.blocks);
    f("norm", self.norm), f("head", self.head);
    if (self.config.tied) f("head.weight", self.embedding.weight);
  }

  /// The config with its defaults filled in. Throws a `ConfigError` when it makes no model.
  static TransformerConfig checked(TransformerConfig config) {
    if (config.feed_forward == 0 && config.width > 0) config.feed_forward = count_product(4, config.width);
    require_config(config.vocabulary > 0 && config.context > 0 && config.width > 0 && config.layers > 0 &&
                       config.heads > 0 && config.feed_forward > 0,
                   {"TransformerLM: vocabulary ", config.vocabulary, ", context ", config.context, ", width ",
                    config.width, ", layers ", config.layers, ", heads ", config.heads,
                    " and feed-forward width ", config.feed_forward, " must be positive"});
    require_config(config.head_width >= 0 && config.key_value_heads >= 0,
                   {"TransformerLM: head width ", config.head_width, " and key/value heads ",
                    config.key_value_heads, " must not be negative"});
    require_config(config.head_width > 0 || config.width % config.heads == 0,
                   {"TransformerLM: ", config.heads, " heads do not divide the width ", config.width});
    require_config(
        config.key_value_heads == 0 || config.heads % config.key_value_heads == 0,
        {"TransformerLM: ", config.key_value_heads, " key/value heads do not divide ", config.heads, " heads"});
    const Index head_width = config.head_width > 0 ? config.head_width : config.width / config.heads;
    require_config(!detail::parts_of(config.position).turns || head_width % 2 == 0,
                   {"TransformerLM: rotary positions need an even head width, got ", head_width});
    require_config(config.rotary_base > 0 && is_finite(config.rotary_base),
                   {"TransformerLM: the rotary base must be positive, got ", config.rotary_base});
    require_config(
        config.rotary_base == TransformerConfig{}.rotary_base || detail::parts_of(config.position).turns,
        {"TransformerLM: a rotary base, got ", config.rotary_base, ", needs a position that turns"});
    require_config(config.norm_epsilon > 0 && is_finite(config.norm_epsilon),
                   {"TransformerLM: the norm epsilon must be positive, got ", config.norm_epsilon});
    require_config(
        config.initial_deviation >= 0 && is_finite(config.initial_deviation),
        {"TransformerLM: the initial deviation must not be negative, got ", config.initial_deviation});
    require_config(config.initial_deviation == 0 || config.attention_init == AttentionInit::linear,
                   "TransformerLM: weights start either at an initial deviation or with an attention init "
                   "other than linear");
    constexpr Index most_layers = 10'000;
    require_config(config.layers <= most_layers,
                   {"TransformerLM: at most ", most_layers, " layers, got ", config.layers});
    for (const double p : {config.attention_dropout, config.feed_forward_dropout, config.residual_dropout}) {
      detail::require_probability("TransformerLM", p);
    }
    return config;
  }

 private:
  static CausalSelfAttention<Real> make_attention(const TransformerConfig& config, RandomArgument random) {
    const AttentionOptions options{.key_value_heads = config.key_value_heads,
                                   .head_width = config.head_width,
                                   .biased = biased(config),
                                   .query_key_norm = config.query_key_norm,
                                   .norm_epsilon = config.norm_epsilon};
    CausalSelfAttention<Real> attention(config.width, config.heads, config.attention_dropout,
                                        config.attention_init, random, options);
    if (detail::parts_of(config.position).turns) {
      attention.rotary.emplace(config.context, attention.head_width, config.rotary_base);
    }
    return attention;
  }
  static TransformerBlock<Real> make_block(const TransformerConfig& config, RandomArgument random) {
    return {make_norm(config),
            make_attention(config, random),
            make_norm(config),
            FeedForward<Real>(config.width, config.feed_forward, config.activation, config.feed_forward_dropout,
                              random, biased(config)),
            config.norm,
            config.residual_dropout};
  }
  static std::vector<TransformerBlock<Real>> make_blocks(const TransformerConfig& config,
                                                         RandomArgument random) {
    std::vector<TransformerBlock<Real>> blocks;
    for (Index i = 0; i < config.layers; ++i) blocks.push_back(make_block(config, random));
    return blocks;
  }

  static Bias biased(const TransformerConfig& config) { return config.biases ? Bias::yes : Bias::no; }

  static Norm<Real> make_norm(const TransformerConfig& config) {
    return {config.normalization, config.width, biased(config), config.norm_epsilon};
  }

  static Linear<Real> make_head(const TransformerConfig& config, RandomArgument random) {
    const Index C = config.width, V = config.vocabulary;
    return config.tied ? Linear<Real>::without_weight(C, V, random, biased(config))
                       : Linear<Real>(C, V, random, biased(config));
  }

  const Parameter<Real, 2>& head_weight() const { return config.tied ? embedding.weight : head.weight; }

  /// `hidden` of the last position alone: (B, 1, C).
  Var<Real, 3> to_last_position(Tape<Real>& tape, const Tokens<2>& tokens, KeyValueCache<Real>* cache) const;

  /// The first token stands at position `first`.
  Var<Real, 3> embed(Tape<Real>& tape, const Tokens<2>& tokens, Index first = 0) const {
    tape.require_model(name, embedding.weight.value);
    if (blocks.empty()) throw_error<Error>("TransformerLM: the model's blocks were moved from");
    if (tokens.extent(1) < 1 || tokens.extent(1) > config.context - first) {
      throw_error<ShapeError>({"TransformerLM: tokens have shape ", tokens.shape(),
                               ", but a window holds 1 to ", config.context - first, " tokens"});
    }
    const auto x = embedding(tape, tokens);
    return positions ? positions->add(x, first) : x;
  }

  bool runs_by_sequences(Var<Real, 3> x) const {
    return slm::runs_by_sequences(parameter_count(blocks.front()) * config.layers, x.size());
  }
};

// Outside of the class, so that slm::compiled may compile them once.
template <Scalar Real>
TransformerLM<Real>::TransformerLM(const TransformerConfig& setting, RandomArgument random)
    : config(checked(setting)),
      embedding(config.vocabulary, config.width, random),
      positions(detail::parts_of(config.position).table
                    ? std::optional<Embedding<Real>>(std::in_place, config.context, config.width, random)
                    : std::nullopt),
      blocks(make_blocks(config, random)),
      norm(make_norm(config)),
      head(make_head(config, random)) {
  if (config.initial_deviation == 0) return;
  using Matrix = Parameter<Real, 2>;
  using Vector = Parameter<Real, 1>;
  // The walk of every model, which a compiler has seen already; what it shows is this model's own. A matrix
  // that is tied is drawn anew.
  detail::walk_any<TransformerLM>(this, [&](const detail::AnyPart& part) {
    void* parameter = const_cast<void*>(part.address);
    if (part.type == &detail::type_mark<Matrix>) {
      init::normal(*static_cast<Matrix*>(parameter), random, config.initial_deviation);
    } else if (part.type == &detail::type_mark<Vector> && part.path.field == std::string_view("bias")) {
      init::constant(*static_cast<Vector*>(parameter), 0);
    }
  });
}

template <Scalar Real>
Var<Real, 3> TransformerLM<Real>::operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
  const auto part = tape.enter(*this);
  return logits(hidden(tape, tokens));
}

template <Scalar Real>
Var<Real, 2> TransformerLM<Real>::next_token(Tape<Real>& tape, const Tokens<2>& tokens,
                                             KeyValueCache<Real>* cache) const {
  const auto part = tape.enter(*this);
  return concat_window(logits(to_last_position(tape, tokens, cache)));
}

template <Scalar Real>
Var<Real, 0> TransformerLM<Real>::loss(Tape<Real>& tape, const Tokens<2>& tokens,
                                       const Tokens<2>& targets) const {
  const auto part = tape.enter(*this);
  return head.cross_entropy(norm(hidden(tape, tokens)), head_weight(), targets);
}

template <Scalar Real>
Var<Real, 0> TransformerLM<Real>::loss(Tape<Real>& tape, const Tokens<2>& tokens,
                                       const Tokens<1>& targets) const {
  const auto part = tape.enter(*this);
  const auto h = norm(to_last_position(tape, tokens, nullptr));
  return head.cross_entropy(concat_window(h), head_weight(), targets);
}

template <Scalar Real>
Var<Real, 3> TransformerLM<Real>::hidden(Tape<Real>& tape, const Tokens<2>& tokens) const {
  const auto part = tape.enter(*this);
  const auto x = embed(tape, tokens);
  const auto all_blocks = [&](Var<Real, 3> h) {
    for (const auto& block : blocks) h = block(h);
    return h;
  };
  if (!runs_by_sequences(x)) return all_blocks(x);
  const Shape<2> extent{x.extent(1), config.width};
  const auto all_of_few = [&](Var<Real, 3> few) { return std::array<Var<Real, 3>, 1>{all_blocks(few)}; };
  return map_sequences<1>(x, {extent}, all_of_few, blocks)[0];
}

template <Scalar Real>
Var<Real, 3> TransformerLM<Real>::to_last_position(Tape<Real>& tape, const Tokens<2>& tokens,
                                                   KeyValueCache<Real>* cache) const {
  const auto x = embed(tape, tokens, cache ? cache->length() : 0);
  const auto to_last_block = [&](Var<Real, 3> h) {
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) h = blocks[i](h, cache);
    return blocks.back().see_last(h, cache);
  };
  const auto& last = blocks.back().attention;
  const Shape<2> extent{1, config.width}, seen_extent{1, last.heads * last.head_width};
  const bool by_sequences = !cache && runs_by_sequences(x);
  const auto [at_last, seen] =
      by_sequences ? map_sequences<2>(x, {extent, seen_extent}, to_last_block, blocks) : to_last_block(x);
  return blocks.back().finish(at_last, seen);
}

}  // namespace slm
