#pragma once
// All operations in one table, with examples. What has to hold for every operation is asked of the table,
// so that a new operation is tested by being entered here; a test finds one that was forgotten.
#include "operations/activation.hpp"
#include "operations/arithmetic.hpp"
#include "operations/arrangement.hpp"
#include "operations/attention.hpp"
#include "operations/elementwise.hpp"
#include "operations/embedding.hpp"
#include "operations/linear.hpp"
#include "operations/linear_cross_entropy.hpp"
#include "operations/loss.hpp"
#include "operations/map_sequences.hpp"
#include "operations/normalization.hpp"
#include "operations/recurrent.hpp"
#include "operations/reduction.hpp"
#include "operations/softmax.hpp"
#include "operations/unary.hpp"

namespace slm {

template <Scalar Real>
std::vector<OperationEntry<Real>> operation_table() {
  using namespace detail;
  return {add_entry<Real>(),
          multiply_entry<Real>(),
          scale_entry<Real>(),
          add_bias_entry<Real>(),
          sum_entry<Real>(),
          subtract_entry<Real>(),
          divide_entry<Real>(),
          broadcast_entry<Real>(),
          negate_entry<Real>(),
          shift_entry<Real>(),
          exp_entry<Real>(),
          log_entry<Real>(),
          sqrt_entry<Real>(),
          square_entry<Real>(),
          tanh_entry<Real>(),
          sigmoid_entry<Real>(),
          softplus_entry<Real>(),
          abs_entry<Real>(),
          minimum_entry<Real>(),
          maximum_entry<Real>(),
          elementwise_entry<Real>(),
          mean_entry<Real>(),
          max_entry<Real>(),
          logsumexp_entry<Real>(),
          log_softmax_entry<Real>(),
          linear_entry<Real>(),
          matmul_entry<Real>(),
          relu_entry<Real>(),
          gelu_entry<Real>(),
          silu_entry<Real>(),
          relu_squared_entry<Real>(),
          gelu_tanh_entry<Real>(),
          dropout_entry<Real>(),
          softmax_entry<Real>(),
          cross_entropy_entry<Real>(),
          token_losses_entry<Real>(),
          linear_cross_entropy_entry<Real>(),
          mean_squared_error_entry<Real>(),
          layer_norm_entry<Real>(),
          rms_norm_entry<Real>(),
          embedding_entry<Real>(),
          add_positions_entry<Real>(),
          reshape_entry<Real>(),
          concat_window_entry<Real>(),
          last_position_entry<Real>(),
          transpose_entry<Real>(),
          slice_entry<Real>(),
          select_entry<Real>(),
          concatenate_entry<Real>(),
          stack_entry<Real>(),
          gather_rows_entry<Real>(),
          gather_entry<Real>(),
          masked_fill_entry<Real>(),
          causal_attention_entry<Real>(),
          attention_entry<Real>(),
          rotary_embedding_entry<Real>(),
          gru_entry<Real>(),
          lstm_entry<Real>(),
          min_gru_entry<Real>(),
          map_sequences_entry<Real>()};
}

}  // namespace slm
