#pragma once
// What operations demand of their arguments.
#include "slm/autograd/operation.hpp"

namespace slm::detail {

/// `require_shape` of any ranks, so that it is compiled once.
[[gnu::noinline]] inline void require_same_shape(const char* operation, const char* parameter,
                                                 std::span<const Index> actual, std::span<const Index> expected,
                                                 const char* other, std::span<const Index> other_shape) {
  if (!std::equal(actual.begin(), actual.end(), expected.begin(), expected.end())) {
    throw_shape_mismatch(operation, parameter, actual, other, other_shape, shape_text(expected));
  }
}
/// Throws unless `actual` is `expected`: "add: b has shape (2), but a of shape (3) needs (3)".
template <std::size_t Rank, std::size_t OtherRank>
void require_shape(const char* operation, const char* parameter, const Shape<Rank>& actual,
                   const Shape<Rank>& expected, const char* other, const Shape<OtherRank>& other_shape) {
  require_same_shape(operation, parameter, actual, expected, other, other_shape);
}

/// Throws a `RangeError` on a token outside 0 … V−1.
inline void require_token(const char* operation, Token token, Index i, Index V) {
  if (token >= 0 && token < V) return;
  throw_error<RangeError>(
      {operation, ": token ", token, " at index ", i, " is outside the vocabulary 0 … ", V - 1});
}
inline void require_tokens(const char* operation, const Token* tokens, Index count, Index V) {
  for (Index i = 0; i < count; ++i) require_token(operation, tokens[i], i, V);
}

/// Throws unless windows of tokens (B, T) have the one length that a model takes.
inline void require_window(const char* model, const Shape<2>& tokens, Index context) {
  if (tokens[1] != context) {
    throw_error<ShapeError>({model, ": tokens have shape ", tokens, ", but a window has ", context,
                             " tokens, the model's context"});
  }
}

/// The tokens, checked and copied to live as long as the step.
template <Scalar Real, std::size_t Rank>
const Token* keep_tokens(Tape<Real>& tape, const char* operation, const Tokens<Rank>& tokens, Index V) {
  if constexpr (!has_values<Real>) return nullptr;
  if (!tokens.has_memory()) throw_error<Error>({operation, ": the tokens were moved from or never made"});
  require_tokens(operation, tokens.data(), tokens.size(), V);
  return tape.recorder().keep(tokens.data(), tokens.size());
}

}  // namespace slm::detail
