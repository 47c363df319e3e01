// Times one slm training step or evaluation batch, on request, so that compare.py can take turns with
// PyTorch. After three training steps to warm up it prints "ready"; then each line of standard input is a
// command, answered by one line:
//   train N   N steps (forward, loss, backward, optimizer): seconds per step
//   eval N    N evaluation batches: seconds per batch
//   loss      the evaluation loss of the weights and batch of --weights, in nats
//   memory    peak resident memory of the process in MiB
//   quit      ends
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "examples/studies/protocol.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/loss.hpp"

namespace {

using namespace slm;

struct Peer {
  studies::ModelConfig config;
  Index batch;
  bool all_positions = false;
};

/// The protocol's models, and a GPT that predicts at every position.
std::map<std::string, Peer> peers() {
  using namespace studies;
  return {{"linear", {linear_model(128), 64}},
          {"mlp", {mlp_model(256), 64}},
          {"attention", {self_attention_model(4), 64}},
          {"transformer", {transformer_model(shakespeare, 128, 3), 64}},
          {"learned", {position_model(Position::learned), 64}},
          {"rope", {position_model(Position::rotary), 64}},
          {"ptb", {word_model(ptb), 32}},
          {"wikitext2", {word_model(wikitext), 32}},
          {"gpt", {TransformerConfig{.vocabulary = 65, .context = 64, .layers = 4}, 12, true}}};
}

void set_dropout(LinearConfig&, double) {}
void set_dropout(MlpConfig& config, double p) { config.dropout = p; }
void set_dropout(TransformerConfig& config, double p) {
  for (double* place : {&config.attention_dropout, &config.feed_forward_dropout, &config.residual_dropout}) {
    if (*place > 0) *place = p;
  }
}

template <class AnyBatch>
AnyBatch random_batch(Index V, Index B, Index T, Random random) {
  std::vector<Token> text(static_cast<std::size_t>(B * (T + 1)));
  for (Token& token : text) token = static_cast<Token>(random.below(V));
  return RandomWindows<AnyBatch>(text, T, B, random.child(1)).next();
}

/// Answers commands until "quit".
template <class AnyBatch, template <Scalar> class Model>
void serve(Model<float>& model, Index B, const std::string& weights) {
  const Index V = model.config.vocabulary, T = model.config.context;
  std::vector<AnyBatch> batches;
  for (std::uint64_t i = 0; i < 16; ++i)
    batches.push_back(random_batch<AnyBatch>(V, B, T, Random(689).child(i)));
  Adam optimizer(model, AdamConfig{.weight_decay = std::is_same_v<AnyBatch, SequenceBatch> ? 1e-2 : 0.0});
  Tape<float> training, evaluation(Mode::evaluate);
  std::uint64_t step = 0;

  const auto train = [&] {
    training.reset(Random(689, "dropout").child(step));
    const auto loss = batch_loss(model, training, batches[step++ % batches.size()]);
    training.backward(loss);
    optimizer.step();
  };
  const auto evaluate_batch = [&] {
    evaluation.reset();
    batch_loss(model, evaluation, batches[step++ % batches.size()]);
  };
  const auto seconds_per_call = [](const std::function<void()>& call, int count) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / count;
  };
  const auto loss_of_file = [&] {
    const SafeTensors file = SafeTensors::read(weights);
    for_each_parameter(model, [&](const std::string& name, auto& parameter) {
      file.copy_into("weight." + name, parameter.value);
    });
    AnyBatch batch = batches[0];
    const auto read_tokens = [&]<std::size_t Rank>(const char* name, Tokens<Rank>& tokens) {
      Tensor<std::int64_t, Rank> wide(tokens.shape());
      file.copy_into(name, wide);
      std::copy(wide.begin(), wide.end(), tokens.begin());
    };
    read_tokens("tokens", batch.inputs);
    read_tokens("targets", batch.targets);
    evaluation.reset();
    return static_cast<double>(batch_loss(model, evaluation, batch).item());
  };

  for (int i = 0; i < 3; ++i) train();
  std::puts("ready");
  std::fflush(stdout);
  std::string command;
  while (std::cin >> command && command != "quit") {
    int count = 1;
    if (command == "train" || command == "eval") std::cin >> count;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double answer = command == "train"    ? seconds_per_call(train, count)
                          : command == "eval"   ? seconds_per_call(evaluate_batch, count)
                          : command == "loss"   ? loss_of_file()
                          : command == "memory" ? static_cast<double>(usage.ru_maxrss) / 1024
                                                : throw Error("slm_step: unknown command '" + command + "'");
    std::printf("%.9g\n", answer);
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--model", ""}, {"--threads", ""}, {"--weights", ""}, {"--dropout", ""}};
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i]) || i + 1 == argc) {
      throw Error("usage: slm_step --model NAME [--threads N] [--dropout P] [--weights FILE]");
    }
    options[argv[i]] = argv[i + 1];
  }
  const auto known = peers();
  const auto found = known.find(options["--model"]);
  if (found == known.end()) throw Error("slm_step: no model '" + options["--model"] + "'");
  if (!options["--threads"].empty()) set_threads(std::atoi(options["--threads"].c_str()));

  Peer peer = found->second;
  std::visit(
      [&](auto config) {
        if (!options["--dropout"].empty()) set_dropout(config, std::atof(options["--dropout"].c_str()));
        const Random random(689, "init");
        if constexpr (std::is_same_v<decltype(config), LinearConfig>) {
          LinearLM<float> model(config, random);
          serve<Batch>(model, peer.batch, options["--weights"]);
        } else if constexpr (std::is_same_v<decltype(config), MlpConfig>) {
          MlpLM<float> model(config, random);
          serve<Batch>(model, peer.batch, options["--weights"]);
        } else {
          TransformerLM<float> model(config, random);
          peer.all_positions ? serve<SequenceBatch>(model, peer.batch, options["--weights"])
                             : serve<Batch>(model, peer.batch, options["--weights"]);
        }
      },
      peer.config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
