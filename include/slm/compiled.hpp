#pragma once
#include "slm/slm.hpp"

#ifndef SLM_INSTANTIATE
#define SLM_INSTANTIATE extern template
#endif

namespace slm {

SLM_INSTANTIATE class Tape<float>;
SLM_INSTANTIATE struct TransformerLM<float>;
SLM_INSTANTIATE class Adam<float>;
SLM_INSTANTIATE ParameterList<float> parameters<float>(TransformerLM<float>&);
SLM_INSTANTIATE class RandomWindows<SequenceBatch>;
SLM_INSTANTIATE class Windows<SequenceBatch>;
SLM_INSTANTIATE Var<float, 0> batch_loss(const TransformerLM<float>&, Tape<float>&, const SequenceBatch&);
SLM_INSTANTIATE std::vector<Token> generate(const TransformerLM<float>&, std::span<const Token>, Index, const SampleConfig&, const Random&, Token);

}
