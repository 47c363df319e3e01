// An operation of one's own: what it computes, its derivative, and a check that they belong together.
#include <slm/slm.hpp>

#include <cstdio>

using namespace slm;

// Softsign, y = x / (1 + |x|), has the derivative 1 / (1 + |x|)². Where a function of one number and its
// derivative are all, two lines do.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> softsign(Var<Real, Rank> x) {
  return elementwise(
      "softsign", x, [](auto v) { return v / (1 + math::abs(v)); },
      [](auto v) { return 1 / ((1 + math::abs(v)) * (1 + math::abs(v))); });
}

// Any other operation says which inputs it has and which of them its backward function reads again (`needed`),
// what it costs, and both functions. Here: every row's distance to a point, y = Σ (x − p)².
template <Scalar Real>
Var<Real, 1> squared_distance(Var<Real, 2> x, Var<Real, 1> p) {
  const Index N = x.extent(0), C = x.extent(1);
  if (p.extent(0) != C)
    throw ShapeError(make_text({"squared_distance: p has shape ", p.shape(), ", x ", x.shape()}));
  const PassCosts costs{{.elementwise = 3 * N * C},
                        {.elementwise = 3 * N * C * (x.wants_grad() + p.wants_grad())}};
  return operation(
      x.tape(), "squared_distance", Shape<1>{N}, {needed(x), needed(p)}, {.costs = costs},
      [=](auto y) {
        for (Index n = 0; n < N; ++n) {
          y.output()[n] = Real(0);
          for (Index c = 0; c < C; ++c) {
            const Real d = x.value()[n * C + c] - p.value()[c];
            y.output()[n] += d * d;
          }
        }
      },
      [=](auto y) {
        for (Index i = 0; i < N * C; ++i) {
          const Real slope = 2 * y.grad()[i / C] * (x.value()[i] - p.value()[i % C]);
          if (x.wants_grad()) x.grad()[i] += slope;
          if (p.wants_grad()) p.grad()[i % C] -= slope;
        }
      });
}

int main() {
  const Tensor<double, 2> x({2, 3}, {0.5, -1, 2, 1.5, 3, -0.25});
  const Tensor<double, 1> p({3}, {1, 0, -1});
  const auto distances = [](auto a, auto b) { return squared_distance(softsign(a), b); };
  check_gradients(distances, x, p);  // throws an Error that names the input and the element that is off
  check_declared_reads([](auto a, auto b) { return squared_distance(a, b); }, x, p);

  Tape<double> tape;
  const auto y = distances(tape.input(x, true), tape.input(p, true));
  std::printf("%s\n", to_text(y.tensor()).c_str());
}
