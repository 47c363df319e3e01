#pragma once
// Every differentiable operation but map_sequences, which applies a function made of them.
#include "slm/autograd/ops/activation.hpp"
#include "slm/autograd/ops/arithmetic.hpp"
#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/attention_scores.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/autograd/ops/normalization.hpp"
#include "slm/autograd/ops/operators.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/autograd/ops/unary.hpp"
