#pragma once
// The studies' models for the tests: from any config to its model.
#include "../../examples/studies/protocol.hpp"
#include "nn/module_test_support.hpp"

namespace study_test {

using namespace module_test;

inline LinearLM<float> build(const LinearConfig& config, std::uint64_t model_seed = seed) {
  return {config, Random(model_seed, "model")};
}
inline MlpLM<float> build(const MlpConfig& config, std::uint64_t model_seed = seed) {
  return {config, Random(model_seed, "model")};
}
inline TransformerLM<float> build(const TransformerConfig& config, std::uint64_t model_seed = seed) {
  return {config, Random(model_seed, "model")};
}

/// "study 2 mlp h = 512"
inline std::string name_of(const studies::Run& run) {
  return "study " + std::to_string(run.study) + " " + std::string(run.model) + " " + std::string(run.variant);
}

/// The four baselines and the two position variants: every kind of model that is studied.
inline std::vector<studies::Run> kinds_of_run() {
  std::vector<studies::Run> kinds;
  for (const studies::Run& run : studies::runs) {
    if (run.study == 1 || run.study == 4) kinds.push_back(run);
  }
  return kinds;
}

}  // namespace study_test
