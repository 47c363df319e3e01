#pragma once
// Reading a text with a transformer as it grows: the keys and values of what was read are kept.
#include <span>
#include <vector>

#include "slm/core/arena.hpp"
#include "slm/kernels/key_value_cache.hpp"
#include "slm/models/transformer_lm.hpp"

namespace slm {

/// Logits of the token that follows a text, with each token of the text computed once. They have the same bits
/// as those of `TransformerLM::next_token`, which computes the whole text each time (where a library makes the
/// products, they differ by the rounding of its products of different sizes).
///
///   Decoder<float> decoder(model);
///   auto logits = decoder.read(prompt);         // all at once
///   logits = decoder.read({&token, 1});         // costs one position
///
/// The model must outlive the decoder and keep the weights it had when the decoder was made. Beside it, a
/// decoder holds 2 L C numbers for each token of the context, keys and values, and a transposed copy of every
/// matrix: a product of one row would have to transpose it each time. Reading allocates memory only where it
/// reads more tokens at once than ever before. One thread may use a decoder at a time.
template <Scalar Real>
class Decoder {
 public:
  explicit Decoder(const TransformerLM<Real>& model)
      : model_(model),
        layers_(model.blocks.size()),
        head_(turned(model.head)),
        logits_(memory_.template take<Real>(model.config.vocabulary)) {
    const Index cached = count_product(model.config.context, model.config.width);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const TransformerBlock<Real>& block = model.blocks[i];
      const FeedForward<Real>& feed_forward = block.feed_forward;
      Layer& layer = layers_[i];
      layer.block = &block;
      layer.qkv = turned(block.attention.qkv);
      layer.proj = turned(block.attention.proj);
      layer.up = turned(feed_forward.up);
      if (feed_forward.gate) layer.gate = turned(*feed_forward.gate);
      layer.down = turned(feed_forward.down);
      layer.keys = memory_.template take<Real>(cached);
      layer.values = memory_.template take<Real>(cached);
    }
  }
  explicit Decoder(TransformerLM<Real>&&) = delete;  // it would be gone before the first text is read

  /// Appends tokens, at least one, to the text → logits (V) of the token that follows, valid until the next
  /// call. Where a token lies outside the vocabulary or the text outgrows the context it throws, and has read
  /// nothing.
  std::span<const Real> read(std::span<const Token> tokens) {
    const Index T = static_cast<Index>(tokens.size()), C = model_.config.width;
    require_readable(tokens);
    Real* x = take(T * C);
    kernels::embedding_forward(tokens.data(), model_.embedding.weight.value.data(), x, {T, C});
    if (model_.positions) {
      kernels::add_forward(x, model_.positions->weight.value.data() + length_ * C, x, T * C);
    }
    const Arena::Mark start = arena_.mark();
    for (const Layer& layer : layers_) {
      // Of what the last block makes of the tokens, only the last one's part is looked at.
      const Index wanted = &layer == &layers_.back() ? 1 : T;
      attend(layer, x, T, wanted);
      finish(layer, x + (T - wanted) * C, wanted);
      arena_.rewind_to(start);
    }
    apply(head_, normalize(model_.norm, x + (T - 1) * C, 1), 1, logits_);
    length_ += T;
    arena_.rewind();  // not before the next text: what allocates is this call, not the next
    return {logits_, static_cast<std::size_t>(model_.config.vocabulary)};
  }

  /// Tokens read so far.
  Index length() const { return length_; }

  /// Forgets the text and keeps the memory.
  void clear() { length_ = 0; }

 private:
  /// A linear layer by its transposed weight, (inputs, outputs).
  struct Map {
    Matrix<const Real> weight{nullptr, 0, 0};
    const Real* bias = nullptr;

    /// Only the outputs first … first + count − 1.
    Map part(Index first, Index count) const {
      return {weight.block(0, first, weight.rows, count), bias + first};
    }
  };

  struct Layer {
    const TransformerBlock<Real>* block = nullptr;
    Map qkv, proj, up, gate, down;
    Real *keys = nullptr, *values = nullptr;

    bool pre() const { return block->placement == NormPlacement::pre; }
  };

  [[gnu::noinline]] Map turned(const Linear<Real>& layer) {
    const Index outputs = layer.weight.value.extent(0), inputs = layer.weight.value.extent(1);
    Real* weight = memory_.template take<Real>(inputs * outputs);
    transpose<Real>({layer.weight.value.data(), outputs, inputs}, {weight, inputs, outputs});
    return {{weight, inputs, outputs}, layer.bias.value.data()};
  }

  /// Adds to the last `wanted` of T rows of x what their queries see; of the others, keys and values are kept.
  void attend(const Layer& layer, Real* x, Index T, Index wanted) {
    const CausalSelfAttention<Real>& attention = layer.block->attention;
    const Index C = model_.config.width, context = model_.config.context, H = attention.heads;
    const Index seen = length_ + T;
    const Real* h = layer.pre() ? normalize(layer.block->norm1, x, T) : x;
    const Real* q = apply(layer.qkv.part(0, C), h + (T - wanted) * C, wanted);
    const Real* kv = apply(layer.qkv.part(C, 2 * C), h, T);
    if (attention.rotary) {
      q = rotate(*attention.rotary, q, {wanted, C, C, C / H, wanted, seen - wanted});
      kv = rotate(*attention.rotary, kv, {T, 2 * C, C, C / H, T, length_});
    }
    kernels::store_keys_values(kv, layer.keys, layer.values, {T, C, length_, context});
    Real *y = take(wanted * C), *log_sum = take(wanted * H);
    kernels::attention_forward<Real>({q, layer.keys, layer.values, C, C, context}, {1, wanted, seen, H, C / H},
                                     {}, y, log_sum);
    x += (T - wanted) * C;
    kernels::add_forward(x, apply(layer.proj, y, wanted), x, wanted * C);
  }

  /// What follows in a block, in place: x (rows, C).
  void finish(const Layer& layer, Real* x, Index rows) {
    const TransformerBlock<Real>& block = *layer.block;
    if (!layer.pre()) normalize(block.norm1, x, rows, x);
    const Real* h = layer.pre() ? normalize(block.norm2, x, rows) : x;
    Real* up = apply(layer.up, h, rows);
    const Index count = rows * layer.up.weight.columns;
    if (block.feed_forward.activation == Activation::relu) kernels::relu_forward(up, up, count);
    if (block.feed_forward.activation == Activation::gelu) kernels::gelu_forward(up, up, count);
    if (block.feed_forward.gate) {
      Real* gate = apply(layer.gate, h, rows);
      kernels::silu_forward(gate, gate, count);
      kernels::multiply_forward(up, gate, up, count);
    }
    kernels::add_forward(x, apply(layer.down, up, rows), x, rows * model_.config.width);
    if (!layer.pre()) normalize(block.norm2, x, rows, x);
  }

  // What is called often is not inlined: with these, a decoder costs half the time to compile.
  [[gnu::noinline]] void apply(const Map& map, const Real* x, Index rows, Real* y) {
    const Index inputs = map.weight.rows, outputs = map.weight.columns;
    parallel_gemm<Transposed::none, Real>({x, rows, inputs}, map.weight, {y, rows, outputs}, StoreMode::assign,
                                          map.bias);
  }
  Real* apply(const Map& map, const Real* x, Index rows) {
    Real* y = take(rows * map.weight.columns);
    apply(map, x, rows, y);
    return y;
  }

  void normalize(const LayerNorm<Real>& norm, const Real* x, Index rows, Real* y) {
    Real *mean = take(rows), *rstd = take(rows);
    kernels::layer_norm_forward(x, norm.weight.value.data(), norm.bias.value.data(), Real(norm.epsilon), y,
                                mean, rstd, {rows, model_.config.width});
  }
  Real* normalize(const LayerNorm<Real>& norm, const Real* x, Index rows) {
    Real* y = take(rows * model_.config.width);
    normalize(norm, x, rows, y);
    return y;
  }

  Real* rotate(const RotaryTable<Real>& table, const Real* x, const kernels::RotarySize& size) {
    Real* y = take(size.rows * size.columns);
    kernels::rotary_forward(x, table.cosine.data(), table.sine.data(), y, size);
    return y;
  }

  [[gnu::noinline]] Real* take(Index count) { return arena_.template take<Real>(count); }

  void require_readable(std::span<const Token> tokens) const {
    const Index T = static_cast<Index>(tokens.size()), context = model_.config.context;
    if (T < 1 || T > context - length_) {
      throw ShapeError(concatenate({"Decoder: the context of ", context, " tokens has room for ",
                                    context - length_, " more, and at least 1 must be read, but got ", T}));
    }
    detail::require_tokens("Decoder", tokens.data(), T, model_.config.vocabulary);
  }

  const TransformerLM<Real>& model_;
  Arena memory_;  // weights, keys and values, logits
  Arena arena_;   // what one call computes
  std::vector<Layer> layers_;
  Map head_;
  Real* logits_;
  Index length_ = 0;
};

}  // namespace slm
