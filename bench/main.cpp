// The main function of the benchmarks: says on which machine and with what they were made. Beside the options
// of Google Benchmark there are
//   --full        all points of each sweep; without it fewer
//   --threads N   for parallel loops (default: all that there are)
#include <benchmark/benchmark.h>

#include <Eigen/Core>
#include <cstdio>
#include <exception>
#include <string>

#include "harness/machine.hpp"
#include "report.hpp"
#include "slm/version.hpp"
#include "suite.hpp"

namespace {

using namespace slm;

std::string name_of(GemmBackend multiplier) {
  switch (multiplier) {
    case GemmBackend::slm:
      return "slm";
    case GemmBackend::eigen:
      return "eigen";
    case GemmBackend::blas:
      return "blas";
    case GemmBackend::onednn:
      return "onednn";
  }
  return "";
}

/// Takes slm's own options out of the arguments; gives whether all benchmarks are wanted.
bool take_options(int& argc, char** argv) {
  bool full = false;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--full") {
      full = true;
    } else if (option == "--threads" && i + 1 < argc) {
      set_threads(std::atoi(argv[++i]));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  return full;
}

void describe(bool full) {
  using benchmark::AddCustomContext;
  const auto giga = [](double rate) { return std::to_string(rate / 1e9); };
  AddCustomContext("slm", version);
  AddCustomContext("cpu", studies::cpu_name());
  AddCustomContext("compiler", studies::compiler_name());
  AddCustomContext("flags", SLM_BENCH_FLAGS);
  AddCustomContext("eigen", std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                                "." + std::to_string(EIGEN_MINOR_VERSION));
  AddCustomContext("gemm", name_of(gemm_backend<float>()));
  AddCustomContext("threads", std::to_string(threads()));
  AddCustomContext("sweep", full ? "full" : "quick");
  AddCustomContext("peak_gflops", giga(studies::measured_peak()));
  AddCustomContext("core_gflops", giga(bench::core_peak()));
  AddCustomContext("cache_gbytes", giga(bench::triad(bench::cached_elements)));
  AddCustomContext("memory_gbytes", giga(bench::triad(bench::uncached_elements)));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bool full = take_options(argc, argv);
    for (const auto add : bench::Suite::all()) add(full);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    describe(full);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}
