#pragma once
// All operations in one table, with examples. What has to hold for every operation is asked of the table,
// so that a new operation is tested by being entered here; a test finds one that was forgotten.
#include "operations/activation.hpp"
#include "operations/attention.hpp"
#include "operations/elementwise.hpp"
#include "operations/embedding.hpp"
#include "operations/linear.hpp"
#include "operations/map_sequences.hpp"
#include "operations/normalization.hpp"
#include "operations/recurrent.hpp"
#include "operations/softmax.hpp"

namespace slm {

template <Scalar Real>
std::vector<OperationEntry<Real>> operation_table() {
  using namespace detail;
  return {add_entry<Real>(),
          multiply_entry<Real>(),
          scale_entry<Real>(),
          add_bias_entry<Real>(),
          sum_entry<Real>(),
          linear_entry<Real>(),
          matmul_entry<Real>(),
          relu_entry<Real>(),
          gelu_entry<Real>(),
          silu_entry<Real>(),
          dropout_entry<Real>(),
          softmax_entry<Real>(),
          cross_entropy_entry<Real>(),
          layer_norm_entry<Real>(),
          rms_norm_entry<Real>(),
          embedding_entry<Real>(),
          add_positions_entry<Real>(),
          reshape_entry<Real>(),
          concat_window_entry<Real>(),
          last_position_entry<Real>(),
          causal_attention_entry<Real>(),
          rotary_embedding_entry<Real>(),
          gru_entry<Real>(),
          lstm_entry<Real>(),
          min_gru_entry<Real>(),
          map_sequences_entry<Real>()};
}

}  // namespace slm
