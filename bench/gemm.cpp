// Matrix products of the shapes that training meets, on one thread: our kernel and Eigen, in FLOP/s and as a
// share of the peak. Both counters are the best of many short runs, taken in turn with the peak's.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "peak.hpp"
#include "slm/core/gemm.hpp"
#include "slm/core/gemm_eigen.hpp"

namespace {

using namespace slm;
using Multiply = void (*)(Matrix<const float>, Matrix<const float>, Matrix<float>, Store);

/// C (m, n) = A B over k. A stride of 0 stands for rows without a gap.
struct Shape {
  Index m, n, k, a_stride = 0, b_stride = 0, c_stride = 0;
};

std::vector<float> numbers(Index count) {
  std::vector<float> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) / 16 - 0.5F;
  return x;
}

template <Product product>
void run(benchmark::State& state, const Shape& shape, Multiply multiply, Store store) {
  const auto [m, n, k, a_stride, b_stride, c_stride] = shape;
  const auto stored = [](Index rows, Index columns, Index stride, std::vector<float>& memory) {
    stride = stride > 0 ? stride : columns;
    memory = numbers(rows * stride);
    return Matrix<float>(memory.data(), rows, columns, stride);
  };
  const auto view = [](const Matrix<float>& x) {
    return Matrix<const float>(x.data, x.rows, x.columns, x.stride);
  };
  std::vector<float> a_memory, b_memory, c_memory;
  constexpr bool a_transposed = product == Product::transpose_a, b_transposed = product == Product::transpose_b;
  const auto a = view(stored(a_transposed ? k : m, a_transposed ? m : k, a_stride, a_memory));
  const auto b = view(stored(b_transposed ? n : k, b_transposed ? k : n, b_stride, b_memory));
  const auto c = stored(m, n, c_stride, c_memory);

  const double flops = 2.0 * static_cast<double>(m * n * k);
  const int times = 1 + static_cast<int>(1e6 / flops);  // a run takes ten microseconds or more
  double best = 0, peak = 0;
  for (auto _ : state) {
    peak = std::max(peak, bench::peak_once<float>());
    const double start = bench::seconds_now();
    for (int i = 0; i < times; ++i) multiply(a, b, c, store);
    const double seconds = (bench::seconds_now() - start) / times;
    state.SetIterationTime(seconds);
    best = std::max(best, flops / seconds);
  }
  state.counters["FLOP/s"] = best;
  state.counters["%peak"] = 100 * best / peak;
}

template <Product product>
void add(const std::string& name, const Shape& shape) {
  const auto one = [&](const char* backend, Multiply multiply) {
    for (const Store store : {Store::assign, Store::add}) {
      const std::string text = name + "/" + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                               std::to_string(shape.k) + (store == Store::add ? "/add/" : "/assign/") + backend;
      benchmark::RegisterBenchmark(text.c_str(), run<product>, shape, multiply, store)
          ->UseManualTime()
          ->MinTime(0.05)
          ->Unit(benchmark::kMicrosecond);
    }
  };
  one("kernel", detail::kernel_multiply<product, float>);
  one("eigen", detail::eigen_multiply<product, float>);
}

void add_all_products(const Shape& shape) {
  add<Product::plain>("plain", shape);
  add<Product::transpose_a>("transpose_a", shape);
  add<Product::transpose_b>("transpose_b", shape);
}

[[maybe_unused]] const bool added = [] {
  // Layers of a sequence of 128 positions.
  for (const Shape& shape : {Shape{128, 128, 128},
                             {128, 384, 128},
                             {128, 256, 128},
                             {512, 384, 128},
                             {384, 128, 128},
                             {128, 128, 512},
                             {128, 512, 128}}) {
    add_all_products(shape);
  }
  // Tiles of attention: 32 queries by 128 keys of one head, in rows of all heads' queries, keys and values.
  for (const auto& [width, row] : {std::pair<Index, Index>(16, 192), {32, 384}, {64, 1536}}) {
    add<Product::transpose_b>("weights", {32, 128, width, row, row, 128});
    add<Product::plain>("values", {32, width, 128, 128, row, row});
    add<Product::transpose_a>("keys' gradient", {128, width, 32, 128, row, row});
  }
  // A few rows, and a vocabulary of characters.
  for (const Index m : {1, 2, 4, 8, 16}) add_all_products({m, 384, 128});
  add_all_products({64, 65, 128});
  // An MLP over a concatenated window.
  add<Product::transpose_b>("MLP forward", {64, 256, 16384});
  add<Product::transpose_a>("MLP weights' gradient", {256, 16384, 64});
  add<Product::plain>("MLP inputs' gradient", {64, 16384, 256});
  add<Product::transpose_b>("linear", {64, 65, 16384});
  add<Product::plain>("square", {1024, 1024, 1024});
  return true;
}();

}  // namespace
