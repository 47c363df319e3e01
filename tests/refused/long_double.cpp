// A number type without a kernel, and without the header that brings its products.
#include <slm/slm.hpp>

using namespace slm;

// says: for another number type, such as long double, include slm/core/gemm_eigen.hpp, too
void train() {
  LinearLM<long double> model({.vocabulary = 5, .context = 3}, Random(1));
  Tape<long double> tape;
  model.next_token(tape, Tokens<2>({1, 3}));
}
