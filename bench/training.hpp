#pragma once
// A model with all that its training needs, on batches of random tokens.
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "slm/flops/run_cost.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/recurrent_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/loss.hpp"
#include "slm/train/profile.hpp"

namespace slm::bench {

/// What is trained. The linear model and the MLP do not predict at every position.
struct TrainingSetting {
  std::variant<LinearConfig, MlpConfig, TransformerConfig, GruConfig, LstmConfig, MinGruConfig> config;
  Index batch;
  bool all_positions = false;
  Products products = Products::full;  // of training steps
};

/// Tokens that a step reads.
inline Index tokens(const TrainingSetting& setting) {
  return setting.batch * std::visit([](const auto& config) { return config.context; }, setting.config);
}

/// FLOPs as executed, and bytes, of a step with its optimizer or of an evaluation batch.
struct StepWork {
  Index flops, bytes;
};
inline StepWork step_work(const TrainingSetting& setting, Mode mode) {
  const auto readout = setting.all_positions ? flops::Readout::every_position : flops::Readout::next_token;
  const flops::ModelCost cost = std::visit(
      [&](const auto& config) {
        return flops::model_cost(config, {.batch = setting.batch, .mode = mode, .readout = readout});
      },
      setting.config);
  const Index parameters = cost.parameters();
  Index work = cost.total().total().flops(), elements = cost.traffic().forward + cost.traffic().backward;
  if (mode == Mode::train) {
    work += adam_step_cost(parameters).flops();
    elements += 8 * parameters;  // weight, gradient and two moments, each read and written
  }
  return {work, elements * Index(sizeof(float))};
}

/// One model's training, whatever the model.
class Training {
 public:
  virtual ~Training() = default;
  virtual void train() = 0;                    // forward, loss, backward, optimizer
  virtual void evaluate() = 0;                 // forward and loss
  virtual Profile profile() = 0;               // of a training step
  virtual Index parameters() const = 0;        // elements
  virtual std::size_t tape_bytes() const = 0;  // most that a training step held at once
};

template <class AnyBatch, class Model>
class TrainingOf : public Training {
 public:
  using Config = decltype(Model::config);
  Model model;

  TrainingOf(const Config& config, Index B, Products products = Products::full)
      : model(config, Random(689, "init")), optimizer_(model, adam()) {
    training_.set_products(products);
    for (std::uint64_t i = 0; i < 16; ++i) {  // more than one: nothing is learned by heart
      Random random = Random(689).child(i);
      std::vector<Token> text(static_cast<std::size_t>(B * (config.context + 1)));
      for (Token& token : text) token = static_cast<Token>(random.below(config.vocabulary));
      batches_.push_back(RandomWindows<AnyBatch>(text, config.context, B, random.child(1)).next());
    }
  }

  void train() override {
    evaluation_.reset();
    compute(), optimizer_.step();
  }
  Profile profile() override {
    return slm::profile(
        training_, [&] { compute(); }, [&] { optimizer_.step(); });
  }
  void evaluate() override {
    if (!evaluation_) evaluation_.emplace(Mode::evaluate).fix_weights();
    evaluation_->reset();
    batch_loss(model, *evaluation_, next());
  }
  Index parameters() const override { return parameter_count(model); }
  std::size_t tape_bytes() const override { return training_.high_water(); }

  /// Evaluation loss in nats.
  double loss(const AnyBatch& batch) const {
    Tape<float> tape(Mode::evaluate);
    return static_cast<double>(batch_loss(model, tape, batch).item());
  }
  const AnyBatch& any_batch() const { return batches_.front(); }

 private:
  static AdamConfig adam() { return {.weight_decay = std::is_same_v<AnyBatch, SequenceBatch> ? 1e-2 : 0.0}; }
  void compute() {
    training_.reset(Random(689, "dropout").child(step_));
    const auto loss = batch_loss(model, training_, next());
    training_.backward(loss);
  }
  const AnyBatch& next() { return batches_[step_++ % batches_.size()]; }

  std::vector<AnyBatch> batches_;
  Adam<float> optimizer_;
  Tape<float> training_;
  std::optional<Tape<float>> evaluation_;  // of weights as they are, as `slm::evaluate` has it for many batches
  std::uint64_t step_ = 0;
};

/// Calls use<AnyBatch, Model>(config) with the types that the setting asks for.
template <class Use>
void with_types(const TrainingSetting& setting, const Use& use) {
  std::visit(
      [&](const auto& config) {
        using Model = typename std::decay_t<decltype(config)>::template Model<float>;
        if constexpr (PredictsEach<Model, float>) {
          if (setting.all_positions) return use.template operator()<SequenceBatch, Model>(config);
        }
        use.template operator()<Batch, Model>(config);
      },
      setting.config);
}

/// Calls use(training), with a pointer to the TrainingOf that the setting asks for.
template <class Use>
void with_training(const TrainingSetting& setting, const Use& use) {
  with_types(setting, [&]<class AnyBatch, class Model>(const auto& config) {
    use(std::make_unique<TrainingOf<AnyBatch, Model>>(config, setting.batch, setting.products));
  });
}

inline std::unique_ptr<Training> make_training(const TrainingSetting& setting) {
  std::unique_ptr<Training> made;
  with_training(setting, [&](auto training) { made = std::move(training); });
  return made;
}

}  // namespace slm::bench
