// Reverse-mode automatic differentiation in a few lines: values are computed as the code runs, and the tape
// plays the chain rule backwards.
#include <slm/slm.hpp>

#include <cstdio>

int main() {
  using namespace slm;
  Tensor<double, 1> x({3}), w({3});
  for (Index i = 0; i < 3; ++i) {
    x(i) = static_cast<double>(i + 1);
    w(i) = 0.5;
  }

  Tape<double> tape;
  const auto a = tape.input(x, true), b = tape.input(w, true);  // true: we want gradients in them
  const auto loss = sum(multiply(silu(a), b));                  // Σ w x σ(x)
  tape.backward(loss);

  std::printf("loss = %.6f\n", loss.item());
  std::printf(" x        dloss/dx  dloss/dw\n");
  for (Index i = 0; i < 3; ++i) std::printf("%2.0f        %.6f  %.6f\n", x(i), a.grad()[i], b.grad()[i]);

  // The same derivatives by central differences.
  const auto at = [&] {
    Tape<double> other(Mode::evaluate);
    return sum(multiply(silu(other.input(x)), other.input(w))).item();
  };
  const auto numeric = numeric_gradient({x.data(), 3}, at);
  std::printf("by differences: %.6f %.6f %.6f\n", numeric[0], numeric[1], numeric[2]);
}
