// What an optimizer is given and cannot be: a compiler has to say why.
#include <slm/slm.hpp>

using namespace slm;

namespace {

// says: what an optimizer updates must be a Module, a struct that names its parts in `fields`
struct NoFields {
  Parameter<float, 1> weight;
};
void no_fields() {
  NoFields net;
  Adam<float> adam(net);
  SGD<float> sgd(net);
  Muon<float> muon(net);
  ExponentialMovingAverage<float> average(net);
}

// says: parameters: the model must not be const
void constant(const LinearLM<float>& model) { Adam<float> optimizer(model); }

// says: freeze, unfreeze: the module must not be const
void frozen(const LinearLM<float>& model) { freeze(model); }

// says: implicitly deleted because
struct Trained {
  LinearLM<float> model;
  Adam<float> optimizer{model};
};
Trained copy(const Trained& trained) { return trained; }

// says: AveragingOptimizer: it must be an Optimizer, see slm/nn/contracts.hpp
struct NoOptimizer {
  ParameterList<float> all;
  const ParameterList<float>& list() const { return all; }
};
void no_optimizer(NoOptimizer& updates, ExponentialMovingAverage<float>& average) {
  AveragingOptimizer both(updates, average);
}

}  // namespace
