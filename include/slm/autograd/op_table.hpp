#pragma once
// All operations in one table, with examples. What has to hold for every operation is asked of the table,
// so that a new operation is tested by being entered here; a test finds one that was forgotten.
#include "slm/autograd/op_table/activation.hpp"
#include "slm/autograd/op_table/attention.hpp"
#include "slm/autograd/op_table/elementwise.hpp"
#include "slm/autograd/op_table/embedding.hpp"
#include "slm/autograd/op_table/linear.hpp"
#include "slm/autograd/op_table/map_sequences.hpp"
#include "slm/autograd/op_table/normalization.hpp"
#include "slm/autograd/op_table/softmax.hpp"

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
          concat_window_entry<Real>(),
          last_position_entry<Real>(),
          causal_attention_entry<Real>(),
          rotary_embedding_entry<Real>(),
          map_sequences_entry<Real>()};
}

}  // namespace slm
