// The main function of the benchmarks: says on which machine and with what they were made.
#include <benchmark/benchmark.h>

#include <Eigen/Core>
#include <string>

#include "report.hpp"
#include "slm/version.hpp"

int main(int argc, char** argv) {
  using benchmark::AddCustomContext;
  AddCustomContext("slm", slm::version);
  AddCustomContext("compiler", SLM_BENCH_COMPILER);
  AddCustomContext("flags", SLM_BENCH_FLAGS);
  AddCustomContext("eigen", std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                                "." + std::to_string(EIGEN_MINOR_VERSION));
  AddCustomContext("threads", std::to_string(slm::threads()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  AddCustomContext("peak_gflops", std::to_string(slm::bench::machine_peak() / 1e9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
