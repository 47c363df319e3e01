#pragma once
// What slm::compiled compiles once, of models in float: slm.hpp includes it where that library is linked, whose
// one source file, cmake/compiled.cpp, makes definitions of the same list. Every operation of the models is
// here, so that the library calls none that a program compiled with other flags.
#include "slm/core/language.hpp"
#include "slm/slm.hpp"

#ifndef SLM_INSTANTIATE
#define SLM_INSTANTIATE extern template
#endif

namespace slm {

SLM_INSTANTIATE const char* instruction_set<>();  // as its header says, which programs may read alone

SLM_INSTANTIATE class Windows<Batch>;
SLM_INSTANTIATE class Windows<SequenceBatch>;
SLM_INSTANTIATE class RandomWindows<Batch>;
SLM_INSTANTIATE class RandomWindows<SequenceBatch>;

#define SLM_OPERATIONS(Rank)                                                                          \
  SLM_INSTANTIATE Var<float, Rank> add(Var<float, Rank>, Var<float, Rank>, InPlace);                  \
  SLM_INSTANTIATE Var<float, Rank> multiply(Var<float, Rank>, Var<float, Rank>);                      \
  SLM_INSTANTIATE Var<float, Rank> relu(Var<float, Rank>, InPlace);                                   \
  SLM_INSTANTIATE Var<float, Rank> gelu(Var<float, Rank>);                                            \
  SLM_INSTANTIATE Var<float, Rank> silu(Var<float, Rank>);                                            \
  SLM_INSTANTIATE Var<float, Rank> dropout(Var<float, Rank>, double, InPlace);                        \
  SLM_INSTANTIATE Var<float, Rank> detail::layer_norm(Var<float, Rank>, Var<float, 1>,                \
                                                      const std::optional<Var<float, 1>>&, float);    \
  SLM_INSTANTIATE Var<float, Rank> rms_norm(Var<float, Rank>, Var<float, 1>, float);                  \
  SLM_INSTANTIATE Var<float, Rank> gelu_tanh(Var<float, Rank>);                                       \
  SLM_INSTANTIATE Var<float, Rank> relu_squared(Var<float, Rank>);                                    \
  SLM_INSTANTIATE Var<float, 0> cross_entropy(Var<float, Rank>, const Tokens<Rank - 1>&);             \
  SLM_INSTANTIATE Var<float, Rank> detail::linear(Var<float, Rank>, Var<float, 2>,                    \
                                                  const std::optional<Var<float, 1>>&);               \
  SLM_INSTANTIATE Var<float, 0> detail::linear_cross_entropy(                                         \
      Var<float, Rank>, Var<float, 2>, const std::optional<Var<float, 1>>&, const Tokens<Rank - 1>&); \
  SLM_INSTANTIATE Var<float, Rank> matmul(Var<float, Rank>, Var<float, Rank>);                        \
  SLM_INSTANTIATE Var<float, Rank - 1> token_losses(Var<float, Rank>, const Tokens<Rank - 1>&,        \
                                                    const CrossEntropyConfig&);                       \
  SLM_INSTANTIATE Var<float, 0> cross_entropy(Var<float, Rank>, const Tokens<Rank - 1>&,              \
                                              const CrossEntropyConfig&);
SLM_OPERATIONS(2)
SLM_OPERATIONS(3)
SLM_INSTANTIATE Var<float, 0> detail::mean(Var<float, 1>, const detail::Reduction<0>&);
SLM_INSTANTIATE Var<float, 3> embedding(const Tokens<2>&, Var<float, 2>);
SLM_INSTANTIATE Var<float, 3> add_positions(Var<float, 3>, Var<float, 2>, Index);
SLM_INSTANTIATE Var<float, 2> last_position(Var<float, 3>);
SLM_INSTANTIATE Var<float, 3> rotary_embedding(Var<float, 3>, const RotaryTable<float>&, Index, Index);
SLM_INSTANTIATE Var<float, 3> detail::attention(const detail::AttentionInputs<float>&, double, const NoScore&);
SLM_INSTANTIATE Var<float, 3> detail::attention(const detail::AttentionInputs<float>&, const KeyValues<float>&,
                                                const NoScore&);
SLM_INSTANTIATE Var<float, 3> gru(Var<float, 3>, Var<float, 2>, Var<float, 1>, detail::MaybeMemory<float>);
SLM_INSTANTIATE Var<float, 3> lstm(Var<float, 3>, Var<float, 2>, Var<float, 1>, detail::MaybeMemory<float>);
SLM_INSTANTIATE Var<float, 3> min_gru(Var<float, 3>, detail::MaybeMemory<float>);

SLM_INSTANTIATE class Tape<float>;
SLM_INSTANTIATE void detail::prepare_decoding(Tape<float>&, WeightFormat);
SLM_INSTANTIATE class Adam<float>;
SLM_INSTANTIATE class Muon<float>;
SLM_INSTANTIATE double clip_gradients(const ParameterList<float>&, double);
SLM_INSTANTIATE class GradientTree<float>;
SLM_INSTANTIATE class GradientExchange<float>;

SLM_INSTANTIATE void detail::losses_of_rows(const float*, const std::vector<Token>&, Index, std::vector<float>&,
                                            std::vector<float>&);

#define SLM_MODEL(Model)                                                                          \
  SLM_INSTANTIATE struct Model<float>;                                                            \
  SLM_INSTANTIATE ParameterList<float> parameters<float>(Model<float>&);                          \
  SLM_INSTANTIATE std::vector<Token> generate(const Model<float>&, std::span<const Token>, Index, \
                                              const SampleConfig&, RandomArgument, Token);
#define SLM_TRAINING(Model, AnyBatch)                                                                \
  SLM_INSTANTIATE Var<float, 0> batch_loss(const Model<float>&, Tape<float>&, const AnyBatch&);      \
  SLM_INSTANTIATE double evaluate<float>(const Model<float>&, const SequentialWindows<AnyBatch>&,    \
                                         const MeanCrossEntropy&, Cost*, Ranks*);                    \
  SLM_INSTANTIATE FitResult fit(Model<float>&, Adam<float>&, const RandomWindows<AnyBatch>&,         \
                                const SequentialWindows<AnyBatch>&, const Random&, const FitConfig&, \
                                FitState<float>&, const MeanCrossEntropy&);
SLM_MODEL(LinearLM)
SLM_MODEL(MlpLM)
SLM_MODEL(TransformerLM)
SLM_TRAINING(LinearLM, Batch)
SLM_TRAINING(MlpLM, Batch)
SLM_TRAINING(TransformerLM, Batch)
SLM_TRAINING(TransformerLM, SequenceBatch)

#undef SLM_OPERATIONS
#undef SLM_MODEL
#undef SLM_TRAINING

}  // namespace slm
