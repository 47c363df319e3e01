// Matrix products of the shapes that training meets, on one thread: by our kernel, Eigen, and OpenBLAS and
// oneDNN where they were found, in FLOP/s and as a share of what the core can do. Both counters are the best of
// many short runs, taken in turn with the core's.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "report.hpp"
#include "slm/core/gemm.hpp"
#include "slm/core/gemm_eigen.hpp"
#include "suite.hpp"
#ifdef SLM_BENCH_BLAS
#include "slm/core/gemm_blas.hpp"
#endif
#ifdef SLM_BENCH_ONEDNN
#include "slm/core/gemm_onednn.hpp"
#endif

namespace {

using namespace slm;
using Multiply = void (*)(Matrix<const float>, Matrix<const float>, Matrix<float>, StoreMode);

/// C (m, n) = A B over k. A stride of 0 stands for rows without a gap.
struct Shape {
  Index m, n, k, a_stride = 0, b_stride = 0, c_stride = 0;
};

std::vector<float> numbers(Index count) {
  std::vector<float> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) / 16 - 0.5F;
  return x;
}

template <Transposed transposed>
void run(benchmark::State& state, const Shape& shape, Multiply multiply, StoreMode store) {
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
  const auto a = view(stored(transposed.left ? k : m, transposed.left ? m : k, a_stride, a_memory));
  const auto b = view(stored(transposed.right ? n : k, transposed.right ? k : n, b_stride, b_memory));
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
  state.counters["%core"] = 100 * best / peak;
  state.counters["FLOP/B"] = flops / (sizeof(float) * static_cast<double>(m * k + k * n + m * n));
  bench::report_core(state);
}

template <Transposed transposed>
void add(const std::string& name, const Shape& shape, StoreMode store) {
  const auto one = [&](const char* by, Multiply multiply) {
    const std::string text = name + "/" + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                             std::to_string(shape.k) + (store == StoreMode::add ? "/add/" : "/assign/") + by;
    benchmark::RegisterBenchmark(text.c_str(), run<transposed>, shape, multiply, store)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  };
  one("slm", [](Matrix<const float> a, Matrix<const float> b, Matrix<float> c, StoreMode mode) {
    detail::kernel_gemm<transposed, float>(a, b, c, mode);
  });
  one("Eigen", detail::eigen_gemm<transposed, float>);
#ifdef SLM_BENCH_BLAS
  one("OpenBLAS", detail::blas_gemm<transposed, float>);
#endif
#ifdef SLM_BENCH_ONEDNN
  one("oneDNN", detail::onednn_gemm<transposed, float>);
#endif
}

/// The three products of a linear layer as training has them: y = x Wᵀ, dx += dy W, dW += dyᵀ x.
void add_layer(const std::string& name, Index rows, Index inputs, Index outputs) {
  add<Transposed::b>(name + " y", {rows, outputs, inputs}, StoreMode::assign);
  add<Transposed::none>(name + " dx", {rows, inputs, outputs}, StoreMode::add);
  add<Transposed::a>(name + " dW", {outputs, inputs, rows}, StoreMode::add);
}

/// A tile of attention: 32 queries by 128 keys of one head, in rows of all heads' queries, keys and values, or
/// of all heads' results. It is the first of its row, which sets the result.
void add_attention(Index width, Index heads) {
  const Index row = 3 * heads * width;
  add<Transposed::b>("attention QKᵀ", {32, 128, width, row, row, 128}, StoreMode::assign);
  add<Transposed::none>("attention PV", {32, width, 128, 128, row, heads * width}, StoreMode::assign);
  add<Transposed::none>("attention dQ", {32, width, 128, 128, row, row}, StoreMode::add);
  add<Transposed::a>("attention dK", {128, width, 32, 128, row, row}, StoreMode::add);
}

const bench::Suite suite([](bool full) {
#ifdef SLM_BENCH_BLAS
  benchmark::AddCustomContext("openblas", openblas_get_config());
#endif
#ifdef SLM_BENCH_ONEDNN
  const dnnl_version_t* version = dnnl_version();
  benchmark::AddCustomContext("onednn", std::to_string(version->major) + "." + std::to_string(version->minor) +
                                            "." + std::to_string(version->patch));
#endif
  add_layer("qkv", 256, 128, 384);
  add_layer("feed-forward", 256, 128, 256);
  add_attention(32, 4);
  add_layer("MLP", 64, 16384, 256);
  if (!full) return;
  add_layer("proj", 256, 128, 128);
  add_layer("wide feed-forward", 256, 128, 512);
  add_attention(16, 4);
  add_attention(64, 8);
  add_layer("characters", 64, 128, 65);
  add_layer("linear model", 64, 16384, 65);
  for (const Index rows : {1, 4, 16}) add_layer("few rows", rows, 128, 384);
  add_layer("GPT-2 feed-forward", 256, 768, 3072);
  add<Transposed::none>("square", {1024, 1024, 1024}, StoreMode::assign);
});

}  // namespace
